/** `ncf models`: what a registry holds, and which version is served. */
import type { Command } from "commander";
import { ObjectStoreRegistry } from "../../adapters/registry/object-store-registry.ts";
import { grouped } from "../../app/report/number-text.ts";
import { printable } from "../../app/report/printable.ts";
import type { Champion, ModelCard, ModelRegistry } from "../../ports/model-registry.ts";
import * as options from "../options.ts";
import { storeAt } from "../places.ts";
import type { Terminal } from "../terminal.ts";

interface ModelsValues {
  readonly registry: string;
  readonly json: boolean;
}

export function addModelsCommands(program: Command, terminal: Terminal): void {
  const models = program.command("models").description("List the versions of a registry, and choose which is served.");
  const add = (name: string, description: string, act: (registry: ModelRegistry, version: string) => Promise<void>) => {
    const command = models
      .command(name)
      .description(description)
      .requiredOption("--registry <dir>", "registry: OUT/registry of ncf run, or s3://BUCKET")
      .addOption(options.jsonOption());
    const run = async (version: string, values: ModelsValues): Promise<void> => {
      terminal.useJson(values.json);
      return act(new ObjectStoreRegistry(await storeAt(values.registry)), version);
    };
    if (name === "show" || name === "promote")
      command.argument("<version>", "name as `ncf models list` gives it").action(run);
    else command.action((values: ModelsValues) => run("", values));
  };
  add("list", "The versions, oldest first, with what their settings' judgement gave.", (registry) =>
    list(registry, terminal),
  );
  add("show", "A version's card.", (registry, version) => show(registry, version, terminal));
  add("promote", "Make a version the champion: services take it up within a second.", async (registry, version) =>
    moved(await registry.promote(version), terminal),
  );
  add("rollback", "Make the former champion the champion again.", async (registry) =>
    moved(await registry.rollback(), terminal),
  );
}

async function list(registry: ModelRegistry, terminal: Terminal): Promise<void> {
  const cards = await Promise.all((await registry.list()).map((version) => registry.card(version)));
  const champion = await registry.champion();
  const nameWidth = Math.max(0, ...cards.map(({ name }) => printable(name).length));
  const lines = cards.map((card) => {
    const judged = card.judged === null ? "not judged" : `HR@10 ${card.judged.hrAt10.toFixed(3)}`;
    const mark = card.version === champion?.version ? "*" : " ";
    return `${mark} ${card.version}  ${timeText(card.createdAtMs)}  ${printable(card.name).padEnd(nameWidth)}  ${judged}  ${dataText(card)}`;
  });
  terminal.answer(
    { champion, versions: cards },
    lines.length === 0
      ? "No version yet: ncf run --publish makes one."
      : `${lines.join("\n")}\n${champion === null ? "No champion yet: ncf models promote VERSION" : championText(champion)}`,
  );
}

async function show(registry: ModelRegistry, version: string, terminal: Terminal): Promise<void> {
  const card = await registry.card(version);
  const { judged, cutOff } = card;
  const files = Object.entries(card.files).map(
    ([name, { bytes, sha256 }]) => `  ${name}  ${grouped(bytes)} bytes  sha256 ${sha256}`,
  );
  terminal.answer(
    card,
    [
      `${card.version}: ${printable(card.name)}, published ${timeText(card.createdAtMs)}`,
      `trained on ${dataText(card)}, ${card.trainedOn === "allData" ? "all of it" : "what lies before its cut-off"}, seed ${card.seed}`,
      `cut-off: ${"eventTimeMs" in cutOff ? timeText(cutOff.eventTimeMs) : JSON.stringify(cutOff.offsets)}`,
      judged === null
        ? "not judged"
        : `judged with these settings: HR@10 ${judged.hrAt10.toFixed(3)}, popularity ${judged.popularityHrAt10.toFixed(3)}, ` +
          `NDCG@10 ${judged.ndcgAt10.toFixed(3)}, of ${grouped(judged.cases)} users`,
      ...files,
    ].join("\n"),
  );
}

function moved(champion: Champion, terminal: Terminal): void {
  terminal.answer(champion, championText(champion));
}

function championText({ version, revision, previous }: Champion): string {
  return `Champion: ${version} (revision ${revision}${previous === null ? "" : `, before it ${previous}`})`;
}

function dataText({ dataset }: ModelCard): string {
  const made = dataset.generated ? " (generated data)" : "";
  return `${grouped(dataset.interactions)} ratings of ${printable(dataset.name)}${made}`;
}

function timeText(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16).replace("T", " ");
}
