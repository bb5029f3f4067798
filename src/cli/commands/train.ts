/** `ncf train`: one preset on a sample. */
import type { Command } from "commander";
import { Option } from "commander";
import { FileObjectStore } from "../../adapters/local/file-object-store.ts";
import { isNetworkPlan, type NetworkPlan } from "../../app/fit-model.ts";
import { grouped } from "../../app/report/number-text.ts";
import { type TrainOutcome, trainAndStore } from "../../app/train-model.ts";
import { NcfError } from "../../core/errors.ts";
import { presets } from "../../ncf/config.ts";
import { createScorer } from "../../ncf/wasm/scorer.ts";
import { lockFolder } from "../folder-lock.ts";
import { readSample } from "../folders.ts";
import { type ItemFeatureValues, itemFeatureOptions, itemFeatureSource } from "../item-feature-options.ts";
import { readModelToStartFrom } from "../model-to-start-from.ts";
import { type BackendName, backendNamed } from "../models.ts";
import * as options from "../options.ts";
import { SettingsFiles } from "../settings-files.ts";
import type { Terminal } from "../terminal.ts";

interface TrainValues extends ItemFeatureValues {
  readonly preset?: string;
  readonly settings?: string;
  readonly initFrom?: string;
  readonly epochs?: number;
  readonly seed: number;
  readonly threads: number;
  readonly backend: BackendName;
  readonly compactIds: boolean;
  readonly earlyStop?: number;
  readonly out: string;
  readonly resume: boolean;
  readonly json: boolean;
}

export function addTrainCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command("train")
    .description("Train a preset on a sample.")
    .argument("<dir>", "folder that `ncf sample` or `ncf run` wrote (its sample/)")
    .addOption(
      new Option("--preset <name>", "model to train (default: that of --settings)").choices(Object.keys(presets)),
    )
    .option("--settings <file>", "settings that `ncf tune` found, or a file like its tuned.json (docs/tuning.md)")
    .option("--init-from <dir>", "start from a model of the same network, trained on any data: items move by their id")
    .requiredOption("--out <dir>", "folder for the model and its checkpoint")
    .addOption(new Option("--epochs <n>", "epochs (default: the preset's own)").argParser(options.integer(1, 10_000)))
    .addOption(options.seedOption())
    .addOption(options.threadsOption())
    .addOption(options.backendOption())
    .option("--compact-ids", "one embedding row a user or item of the sample, whatever the preset says", false)
    .addOption(
      new Option(
        "--early-stop <epochs>",
        "hold out each user's latest training rating and stop after so many epochs without a better HR@10 on it",
      ).argParser(options.integer(1, 1000)),
    )
    .option("--resume", "go on from the checkpoint in --out", false)
    .addOption(options.jsonOption())
    .action((dir: string, values: TrainValues) => train(dir, values, terminal));
  for (const option of itemFeatureOptions()) command.addOption(option);
}

async function train(dir: string, values: TrainValues, terminal: Terminal): Promise<void> {
  terminal.useJson(values.json);
  terminal.goesOnBy("the same command with --resume goes on from here");
  const { name, config } = networkPlan(values);
  const { sample, items, manifest } = await readSample(dir);
  const itemFeatures = await itemFeatureSource(values);
  const initFrom = values.initFrom === undefined ? undefined : await readModelToStartFrom(values.initFrom);
  const unlock = lockFolder(values.out);
  const outcome = await trainAndStore(
    {
      backend: backendNamed(values.backend),
      createScorer,
      store: new FileObjectStore(values.out),
      progress: terminal.progress,
      monotonicMs: () => performance.now(),
      log: terminal.log,
    },
    {
      name,
      config,
      initFrom,
      itemFeatures,
      items,
      sample,
      sampleSha256: manifest.sha256,
      seed: values.seed,
      threads: values.threads,
      patience: values.earlyStop ?? null,
      prefix: "",
      existing: values.resume ? "resume" : "discard",
      signal: terminal.signal,
    },
  ).finally(unlock);
  terminal.answer({ ...outcome.record, out: values.out }, trainText(outcome, values.out));
}

/** @throws NcfError `USAGE` where no preset is named, or the settings are of another model */
function networkPlan({ preset, settings, epochs, compactIds }: TrainValues): NetworkPlan {
  const files = new SettingsFiles(settings === undefined ? [] : [settings]);
  const [settled] = files.models;
  const name = preset ?? settled;
  if (name === undefined) throw new NcfError("USAGE", "expected --preset NAME or --settings FILE, found neither");
  if (settled !== undefined && settled !== name) {
    throw new NcfError("USAGE", `--settings: expected a file for ${name}, found one for ${settled}`);
  }
  const plan = files.plan(name, { ...(epochs && { epochs }), ...(compactIds && { ids: "compact" }) });
  if (isNetworkPlan(plan)) return plan;
  throw new NcfError("USAGE", `expected a preset, found ${name}, which is fitted: ncf run --models ${name}`);
}

function trainText({ record, sha256 }: TrainOutcome, out: string): string {
  const validation = record.validation.map((hr) => hr.toFixed(3)).join(" ");
  return [
    `${record.preset}: ${record.epochs} epochs, ${grouped(Math.round(record.samples))} samples in ` +
      `${record.seconds.toFixed(1)} s (${grouped(Math.round(record.samplesPerSecond))} a second), ` +
      `loss ${record.curve.at(-1)?.loss.toFixed(4) ?? "?"}`,
    ...(record.initFrom === undefined
      ? []
      : [
          `Started from ${record.initFrom.sha256.slice(0, 16)}…, which knew ${grouped(record.initFrom.items)} of the items; ` +
            `${grouped(record.initFrom.users)} users were folded in`,
        ]),
    ...(validation === "" ? [] : [`Validation HR@10 by epoch: ${validation}`]),
    `Model: ${out}/model.safetensors (sha256 ${sha256.slice(0, 16)}…)`,
  ].join("\n");
}
