/** `ncf replay`: a data set's newest part as a stream of events. */
import type { Command } from "commander";
import { Option } from "commander";
import { FileObjectStore } from "../../adapters/local/file-object-store.ts";
import { MemoryInteractionLog } from "../../adapters/local/memory-interaction-log.ts";
import { localRatingsSource } from "../../adapters/local/ratings-reader.ts";
import { ParquetSampleStore } from "../../adapters/parquet/parquet-sample-store.ts";
import { type ModelPlan, planNamed } from "../../app/fit-model.ts";
import { modelNames } from "../../app/model-names.ts";
import {
  type ReplayDatasetResult,
  type ReplayModelDeps,
  type ReplayModelRequest,
  replayDataset,
  replayModel,
  versionName,
} from "../../app/replay-dataset.ts";
import { grouped } from "../../app/report/number-text.ts";
import { windowHeader, windowLine, windowsText } from "../../app/windows-text.ts";
import { NcfError } from "../../core/errors.ts";
import { createScorer } from "../../ncf/wasm/scorer.ts";
import { TimeWindows } from "../../streaming/time-windows.ts";
import { resolveDataset } from "../dataset.ts";
import { lockFolder } from "../folder-lock.ts";
import { kafkaOptions } from "../kafka-connection.ts";
import { readModelFolder } from "../model-folder.ts";
import { backendNamed } from "../models.ts";
import * as options from "../options.ts";
import { type SendDatasetValues, sendDataset, speed } from "../send-dataset.ts";
import type { Terminal } from "../terminal.ts";

interface ReplayValues extends SendDatasetValues {
  readonly out?: string;
  readonly preset?: string;
  readonly model?: string;
  readonly sample?: string;
  readonly allowLeak: boolean;
  readonly catalogue: ReplayedStream["catalogue"];
  readonly window: number;
  readonly advance?: number;
  readonly grace: number;
  readonly partitions: number;
  readonly seed: number;
  readonly threads: number;
  readonly json: boolean;
}

export const replayDefaults = {
  preset: "neumf",
  share: 0.9,
  graceMs: 3_600_000,
  catalogue: "sample",
  partitions: 1,
} as const;

export function addReplayCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command("replay")
    .description(
      "Train on a data set's older ratings, or take a model, and replay the newer ones as a stream: test the model on each, " +
        "then let the user's history take it in. With --brokers, only send the newer ones to Kafka, where ncf stream tests.",
    )
    .argument("<name or path>", "a MovieLens data set by name, or a folder, zip or CSV file")
    .option("--out <dir>", "folder for the windows' reports, and the model and its sample where one is trained")
    .addOption(
      new Option("--preset <name>", `model to train, a preset or a baseline (default: ${replayDefaults.preset})`)
        .choices(modelNames)
        .conflicts("model"),
    )
    .option("--model <dir>", "replay against this model instead: OUT/replay/models/neumf, or what `ncf train` wrote")
    .option(
      "--sample <dir>",
      "folder of the sample that --model was trained on (default: OUT/sample beside OUT/models)",
    )
    .option("--allow-leak", "go on where --model may have learnt from the events, and mark the reports", false)
    .addOption(
      new Option(
        "--before <share>",
        "share of the ratings that lie before the stream; 0 takes all, not where one trains",
      )
        .argParser(options.shareBefore)
        .default(replayDefaults.share),
    )
    .addOption(
      new Option(
        "--catalogue <name>",
        "items that can be tested: those that the model learnt, or all listed ones, new ones starting from their genres",
      )
        .choices(["sample", "listed"])
        .default(replayDefaults.catalogue),
    )
    .addOption(
      new Option("--window <time>", "size of a window of event time, such as 30d or 12h")
        .argParser(options.duration)
        .default(30 * 86_400_000, "30d"),
    )
    .addOption(
      new Option("--advance <time>", "from one window's start to the next's (default: the size)").argParser(
        options.duration,
      ),
    )
    .addOption(
      new Option("--grace <time>", "how long a window waits for late events, in event time")
        .argParser(options.duration)
        .default(replayDefaults.graceMs, "1h"),
    )
    .addOption(
      new Option("--partitions <n>", "partitions of the log; the result is the same for any number")
        .argParser(options.integer(1, 1000))
        .default(replayDefaults.partitions),
    )
    .addOption(options.seedOption())
    .addOption(options.threadsOption())
    .addOption(options.jsonOption())
    .addOption(
      new Option(
        "--topic <name>",
        "topic to send to, with --brokers (default: interactions; ncf topics create makes it)",
      ),
    )
    .addOption(
      new Option(
        "--speed <speed>",
        "with --brokers: 1000x sends 1,000 seconds of event time a second (default: max)",
      ).argParser(speed),
    )
    .action((given: string, values: ReplayValues) => replay(given, values, terminal));
  for (const option of options.readOptions()) command.addOption(option);
  for (const option of kafkaOptions()) {
    if (option.attributeName() === "brokers") {
      // Sending is another job, so that a variable must not choose it.
      delete option.envVar;
      option.conflicts(ofTheTest);
    }
    command.addOption(option);
  }
}

/** What only a test on the spot takes; one with a default shows only where it was typed. */
const ofTheTest = "out preset model sample allowLeak catalogue window advance grace partitions seed".split(" ");

async function replay(given: string, values: ReplayValues, terminal: Terminal): Promise<void> {
  terminal.useJson(values.json);
  terminal.goesOnBy("the same command goes on from here");
  const { model, preset = replayDefaults.preset, out } = values;
  if (values.brokers !== undefined) return sendDataset(given, values, terminal);
  const sendingOnly = ["topic", "speed"].find((name) => values[name as "topic" | "speed"] !== undefined);
  if (sendingOnly !== undefined) {
    throw new NcfError("USAGE", `expected --brokers with --${sendingOnly}, which is for sending to Kafka, found none`);
  }
  if (out === undefined) {
    throw new NcfError("USAGE", "expected --out DIR for the reports, or --brokers to send to Kafka, found neither");
  }
  if (model === undefined && values.before === 0) {
    throw new NcfError(
      "USAGE",
      "expected --before above 0, as the model learns from what lies before; 0 is for --model",
    );
  }
  const { signal } = terminal;
  const windows = TimeWindows.ofSizeAndGrace(values.window, values.grace).advanceBy(values.advance ?? values.window);
  const resolved = await resolveDataset(given, terminal);
  const unlock = lockFolder(out);
  try {
    const { ratings, items, validation } = await localRatingsSource.read(resolved.path, {
      ...options.readRatingsOptions(values),
      signal,
    });
    const { name, generated } = resolved;
    const stream = {
      dataset: { name, generated, ratings, items, ratingsSha256: validation.ratingsSha256 },
      share: values.before,
      catalogue: values.catalogue,
      windows,
      partitions: values.partitions,
      seed: values.seed,
    };
    const { threads } = values;
    const result =
      model === undefined
        ? await trainAndReplay(terminal, { ...stream, out, plan: planNamed(preset), threads })
        : await replayAgainst(terminal, model, { ...values, out }, stream);
    terminal.answer(result, replayText(result, out));
  } finally {
    unlock();
  }
}

type ReplayedStream = Omit<ReplayModelRequest, "model" | "version" | "sample" | "allowLeak" | "signal">;

async function replayAgainst(
  terminal: Terminal,
  folder: string,
  { sample, out, allowLeak }: ReplayValues & { readonly out: string },
  stream: ReplayedStream,
): Promise<ReplayDatasetResult> {
  const { model, files, sha256 } = await readModelFolder(folder, sample);
  const version = versionName(model.name, sha256);
  const request = { ...stream, model, version, sample: files, allowLeak, signal: terminal.signal };
  return replayModel(replayDeps(terminal, out), request);
}

export interface TrainedReplay extends ReplayedStream {
  readonly out: string;
  readonly plan: ModelPlan;
  readonly threads: number;
}

/** Trains and replays, and says each window as it closes. */
export function trainAndReplay(terminal: Terminal, { out, ...request }: TrainedReplay): Promise<ReplayDatasetResult> {
  const deps = replayDeps(terminal, out);
  return replayDataset(
    {
      ...deps,
      backend: backendNamed("wasm"),
      samples: new ParquetSampleStore(deps.store, "replay/sample"),
      monotonicMs: () => performance.now(),
      log: terminal.log,
    },
    { ...request, signal: terminal.signal },
  );
}

function replayDeps(terminal: Terminal, out: string): ReplayModelDeps {
  let shown = false;
  return {
    createScorer,
    store: new FileObjectStore(out),
    progress: terminal.progress,
    interactions: new MemoryInteractionLog(),
    onWindow: (report) => {
      if (!shown) terminal.log(windowHeader);
      shown = true;
      terminal.log(windowLine(report));
    },
  };
}

/** What a replay came to, for people. */
export function replayText(result: ReplayDatasetResult, out: string): string {
  const data = `${result.dataset}${result.generated ? " (generated data)" : ""}`;
  const leaked =
    result.leaked === 0
      ? ""
      : `${grouped(result.leaked)} of the tested events lie at or before the model's cut-off: it may have learnt them, and the figures flatter it.\n`;
  return (
    `${data}: ${result.model} trained on ${grouped(result.trainingInteractions)} ratings, tested on the ` +
    `${grouped(result.events)} since ${new Date(result.fromMs).toISOString().slice(0, 10)}, one by one.\n` +
    `${windowsText(result.windows)}\n${driftText(result.drifts)}${leaked}Reports: ${out}/replay/windows.json`
  );
}

function driftText(drifts: readonly number[]): string {
  if (drifts.length === 0) return "";
  const days = drifts.map((startMs) => new Date(startMs).toISOString().slice(0, 10)).join(", ");
  return `HR@10 fell below its running level in the window of ${days}: train on newer ratings.\n`;
}
