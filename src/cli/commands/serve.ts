/** `ncf serve`: the HTTP API and the page, of one model or of a registry's champion. */
import path from "node:path";
import type { Command } from "commander";
import { FileInteractionLog } from "../../adapters/local/file-interaction-log.ts";
import { MemoryInteractionLog } from "../../adapters/local/memory-interaction-log.ts";
import { type ServedModel, servedParts } from "../../app/serving/served-model.ts";
import { sampleHistories } from "../../app/serving/trained-histories.ts";
import { NcfError } from "../../core/errors.ts";
import { createScorer } from "../../ncf/wasm/scorer.ts";
import { type KafkaOptionValues, kafkaConnection, kafkaOptions } from "../kafka-connection.ts";
import { openImpatientLog, openLogWhenThere } from "../kafka-log.ts";
import { readModelFolder, runFolderOf } from "../model-folder.ts";
import * as options from "../options.ts";
import { interactionsBeside, type ServingOptions, serveUntilStopped } from "../serving.ts";
import { streamTopics, type TopicOptionValues, topicOptions } from "../stream-topics.ts";
import type { Terminal } from "../terminal.ts";

/** Clients of an API do not wait for brokers as long as a stream does. */
const answerWithinMs = 2000;

interface ServeValues extends KafkaOptionValues, Pick<TopicOptionValues, "topicPrefix" | "windowsTopic"> {
  readonly model?: string;
  readonly registry?: string;
  readonly sample?: string;
  readonly interactions?: string;
  readonly port?: number;
  readonly host: string;
  readonly allowName: string[];
  readonly json: boolean;
}

export function addServeCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command("serve")
    .description("Serve recommendations over HTTP, with a page to try them, until Ctrl-C.")
    .option(
      "--registry <dir>",
      "serve its champion, and the next one as soon as it is promoted: OUT/registry of ncf run",
    )
    .option("--model <dir>", "serve one model: a folder that `ncf train` wrote, or OUT/models/neumf of ncf run")
    .option(
      "--sample <dir>",
      "folder of the sample that --model was trained on (default: OUT/sample beside OUT/models)",
    )
    .option(
      "--interactions <dir>",
      "folder that keeps what users do (default: interactions beside --registry; with --model, in memory only)",
    )
    .addOption(options.jsonOption())
    .addHelpText(
      "after",
      "\nWith --brokers, the topic interactions on Kafka keeps what users do, and the page shows the stream's windows live.",
    )
    .action((values: ServeValues) => serve(values, terminal));
  for (const option of [...options.listenOptions(), ...topicOptions("windows")]) command.addOption(option);
  for (const option of kafkaOptions()) {
    command.addOption(option.attributeName() === "brokers" ? option.conflicts("interactions") : option);
  }
}

async function serve(values: ServeValues, terminal: Terminal): Promise<void> {
  terminal.useJson(values.json);
  const { model, registry, port = null, host, allowName } = values;
  if ((model === undefined) === (registry === undefined)) {
    throw new NcfError(
      "USAGE",
      `expected either --registry or --model, found ${model === undefined ? "neither" : "both"}`,
    );
  }
  const from = registry ?? model ?? "";
  const { place, ...kept } = interactionsOf(values, terminal);
  const source = registry === undefined ? await readServedModel(from, values.sample) : { registry };
  const runFolder = registry === undefined ? runFolderOf(from) : path.resolve(registry, "..");
  await serveUntilStopped(terminal, { model: source, runFolder, ...kept, port, host, allowName }, (listening) => {
    const { name, version, dataset } = listening.model;
    terminal.answer(
      listening,
      `${name} on ${dataset.name}${dataset.generated ? " (generated data)" : ""}, version ${version}.\n` +
        `Interactions are kept ${place}.\n` +
        `Serving at ${listening.url} (ready after ${listening.readySeconds.toFixed(2)} s; Ctrl-C stops it)`,
    );
  });
}

/** Where interactions are kept, in words, and the log there; the stream whose windows lie beside them. */
function interactionsOf(
  values: ServeValues,
  terminal: Terminal,
): { readonly place: string } & Pick<ServingOptions, "openLog" | "interactionsTopic" | "answerWithinMs" | "stream"> {
  const { registry, interactions } = values;
  if (values.brokers !== undefined) {
    const connection = kafkaConnection(values);
    const topics = streamTopics(values);
    return {
      place: `on Kafka (${connection.brokers.join(", ")})`,
      openLog: () => openLogWhenThere(connection, terminal),
      interactionsTopic: topics.interactions,
      answerWithinMs,
      stream: { openLog: () => openImpatientLog(connection), topic: topics.windows },
    };
  }
  const folder = interactions ?? (registry === undefined ? null : interactionsBeside(registry));
  if (folder !== null) return { place: `in ${folder}`, openLog: () => FileInteractionLog.open(folder) };
  return {
    place: "in memory only: --interactions DIR keeps them longer",
    openLog: async () => new MemoryInteractionLog(),
  };
}

async function readServedModel(folder: string, sample: string | undefined): Promise<ServedModel> {
  const { model, files, sha256 } = await readModelFolder(folder, sample);
  return {
    version: sha256.slice(0, 12),
    dataset: { name: files.manifest.dataset, generated: files.manifest.generated },
    ...servedParts(createScorer, model, {
      sample: files.sample,
      histories: sampleHistories(files.sample),
      items: files.items,
    }),
  };
}
