/** `ncf replay`: a data set's newest part as a stream of events. */
import type { Command } from "commander";
import { Option } from "commander";
import { FileObjectStore } from "../../adapters/local/file-object-store.ts";
import { MemoryInteractionLog } from "../../adapters/local/memory-interaction-log.ts";
import { localRatingsSource } from "../../adapters/local/ratings-reader.ts";
import { type ReplayDatasetRequest, type ReplayDatasetResult, replayDataset } from "../../app/replay-dataset.ts";
import { grouped } from "../../app/report/number-text.ts";
import { windowHeader, windowLine, windowsText } from "../../app/windows-text.ts";
import { presetNamed, presets } from "../../ncf/config.ts";
import { createScorer } from "../../ncf/wasm/scorer.ts";
import { TimeWindows } from "../../streaming/time-windows.ts";
import { resolveDataset } from "../dataset.ts";
import { lockFolder } from "../folder-lock.ts";
import { backendNamed } from "../models.ts";
import * as options from "../options.ts";
import type { Terminal } from "../terminal.ts";

interface ReplayValues extends options.ReadOptionValues {
  readonly out: string;
  readonly preset: string;
  readonly before: number;
  readonly window: number;
  readonly advance?: number;
  readonly grace: number;
  readonly partitions: number;
  readonly seed: number;
  readonly threads: number;
  readonly json: boolean;
}

export const replayDefaults = { preset: "neumf", share: 0.9, graceMs: 3_600_000, partitions: 1 } as const;

export function addStreamCommands(program: Command, terminal: Terminal): void {
  const command = program
    .command("replay")
    .description(
      "Train on a data set's older ratings, then replay the newer ones as a stream: test each, then learn it.",
    )
    .argument("<name or path>", "a MovieLens data set by name, or a folder, zip or CSV file")
    .requiredOption("--out <dir>", "folder for the model and the windows' reports")
    .addOption(
      new Option("--preset <name>", "model to train").choices(Object.keys(presets)).default(replayDefaults.preset),
    )
    .addOption(
      new Option("--before <share>", "share of the ratings that lie before the stream")
        .argParser(options.openShare)
        .default(replayDefaults.share),
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
    .action((given: string, values: ReplayValues) => replay(given, values, terminal));
  for (const option of options.readOptions()) command.addOption(option);
}

async function replay(given: string, values: ReplayValues, terminal: Terminal): Promise<void> {
  terminal.useJson(values.json);
  terminal.goesOnBy("the same command goes on from here");
  const { signal } = terminal;
  const windows = TimeWindows.ofSizeAndGrace(values.window, values.grace).advanceBy(values.advance ?? values.window);
  const dataset = await resolveDataset(given, terminal);
  const unlock = lockFolder(values.out);
  try {
    const { ratings } = await localRatingsSource.read(dataset.path, { ...options.readRatingsOptions(values), signal });
    const result = await replayToTerminal(terminal, {
      dataset: dataset.name,
      generated: dataset.generated,
      ratings,
      out: values.out,
      preset: values.preset,
      share: values.before,
      windows,
      partitions: values.partitions,
      seed: values.seed,
      threads: values.threads,
    });
    terminal.answer(result, replayText(values.preset, result, values.out));
  } finally {
    unlock();
  }
}

export interface TerminalReplay extends Omit<ReplayDatasetRequest, "name" | "config" | "signal"> {
  readonly out: string;
  readonly preset: string;
}

/** Trains and replays, and says each window as it closes. */
export function replayToTerminal(
  terminal: Terminal,
  { out, preset, ...request }: TerminalReplay,
): Promise<ReplayDatasetResult> {
  let shown = false;
  return replayDataset(
    {
      backend: backendNamed("wasm"),
      createScorer,
      store: new FileObjectStore(out),
      progress: terminal.progress,
      monotonicMs: () => performance.now(),
      log: terminal.log,
      interactions: new MemoryInteractionLog(),
      onWindow: (report) => {
        if (!shown) terminal.log(windowHeader);
        shown = true;
        terminal.log(windowLine(report));
      },
    },
    { ...request, name: preset, config: presetNamed(preset), signal: terminal.signal },
  );
}

/** What a replay came to, for people. */
export function replayText(preset: string, result: ReplayDatasetResult, out: string): string {
  const data = `${result.dataset}${result.generated ? " (generated data)" : ""}`;
  return (
    `${data}: ${preset} trained on ${grouped(result.trainingInteractions)} ratings before ` +
    `${new Date(result.fromMs).toISOString().slice(0, 10)}, tested on the ${grouped(result.events)} since, one by one.\n` +
    `${windowsText(result.windows)}\nReports: ${out}/replay/windows.json`
  );
}
