/** `ncf train`: one preset on a sample. */
import type { Command } from "commander";
import { Option } from "commander";
import { FileObjectStore } from "../../adapters/local/file-object-store.ts";
import { grouped } from "../../app/report/number-text.ts";
import { type TrainOutcome, trainAndStore } from "../../app/train-model.ts";
import { type NcfConfig, presetNamed, presets } from "../../ncf/config.ts";
import { createScorer } from "../../ncf/wasm/scorer.ts";
import { lockFolder } from "../folder-lock.ts";
import { readSample } from "../folders.ts";
import { type BackendName, backendNamed } from "../models.ts";
import * as options from "../options.ts";
import type { Terminal } from "../terminal.ts";

interface TrainValues {
  readonly preset: string;
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
  program
    .command("train")
    .description("Train a preset on a sample.")
    .argument("<dir>", "folder that `ncf sample` or `ncf run` wrote (its sample/)")
    .addOption(new Option("--preset <name>", "model to train").choices(Object.keys(presets)).makeOptionMandatory())
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
}

async function train(dir: string, values: TrainValues, terminal: Terminal): Promise<void> {
  terminal.useJson(values.json);
  terminal.goesOnBy("the same command with --resume goes on from here");
  const { sample, manifest } = await readSample(dir);
  const preset = presetNamed(values.preset);
  const config: NcfConfig = {
    ...preset,
    epochs: values.epochs ?? preset.epochs,
    ids: values.compactIds ? "compact" : preset.ids,
  };
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
      name: values.preset,
      config,
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

function trainText({ record, sha256 }: TrainOutcome, out: string): string {
  const validation = record.validation.map((hr) => hr.toFixed(3)).join(" ");
  return [
    `${record.preset}: ${record.epochs} epochs, ${grouped(Math.round(record.samples))} samples in ` +
      `${record.seconds.toFixed(1)} s (${grouped(Math.round(record.samplesPerSecond))} a second), ` +
      `loss ${record.curve.at(-1)?.loss.toFixed(4) ?? "?"}`,
    ...(validation === "" ? [] : [`Validation HR@10 by epoch: ${validation}`]),
    `Model: ${out}/model.safetensors (sha256 ${sha256.slice(0, 16)}…)`,
  ].join("\n");
}
