/** `ncf run`: the main job. */
import type { Command } from "commander";
import { Option } from "commander";
import { FileObjectStore } from "../../adapters/local/file-object-store.ts";
import { localRatingsSource } from "../../adapters/local/ratings-reader.ts";
import { ParquetSampleStore } from "../../adapters/parquet/parquet-sample-store.ts";
import { checkModelNames } from "../../app/model-names.ts";
import type { ReplayDatasetResult } from "../../app/replay-dataset.ts";
import { reportTable } from "../../app/report/report-table.ts";
import { runJob } from "../../app/run.ts";
import { presets } from "../../ncf/config.ts";
import { createScorer } from "../../ncf/wasm/scorer.ts";
import type { SampleOptions } from "../../ports/sample-store.ts";
import { TimeWindows } from "../../streaming/time-windows.ts";
import { type ResolvedDataset, resolveOrGenerate } from "../dataset.ts";
import { lockFolder } from "../folder-lock.ts";
import { machineFacts, peakRssBytes } from "../machine.ts";
import { type BackendName, backendNamed } from "../models.ts";
import * as options from "../options.ts";
import { PerUserFile } from "../per-user-file.ts";
import type { Terminal } from "../terminal.ts";
import { version } from "../version.ts";
import { replayDefaults, replayText, replayToTerminal } from "./stream.ts";

interface RunCommandOptions extends options.ReadOptionValues {
  readonly dataset: string;
  readonly out: string;
  readonly models: string[];
  readonly fraction: number;
  readonly sampler: SampleOptions["sampler"];
  readonly tieRule: SampleOptions["tieRule"];
  readonly catalogue: SampleOptions["catalogue"];
  readonly epochs?: number;
  readonly seed: number;
  readonly threads: number;
  readonly backend: BackendName;
  readonly compactIds: boolean;
  readonly negativeDraw?: "eachEpoch" | "once";
  readonly withReplacement: boolean;
  readonly fullCatalogueUsers: number;
  readonly perUser?: string;
  readonly replay?: number;
  readonly json: boolean;
}

export function addRunCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command("run")
    .description("Read ratings, train models, judge them against popularity and write a report.")
    .option("--dataset <name or path>", "a MovieLens data set by name, or a folder, zip or CSV file", "ml-latest-small")
    .requiredOption("--out <dir>", "folder for the sample, the models, report.json and report.html")
    .addOption(
      new Option("--models <names>", "presets and baselines: popularity, decayed-popularity, item-knn")
        .argParser(options.names)
        .default(["neumf", "paper", "popularity"], "neumf,paper,popularity"),
    )
    .addOption(new Option("--fraction <share>", "share of the users to sample").argParser(options.fraction).default(1))
    .addOption(options.samplerOption())
    .addOption(options.tieRuleOption())
    .addOption(options.catalogueOption())
    .addOption(new Option("--epochs <n>", "epochs (default: the preset's own)").argParser(options.integer(1, 10_000)))
    .addOption(options.seedOption())
    .addOption(options.threadsOption())
    .addOption(options.backendOption())
    .option("--compact-ids", "one embedding row a user or item of the sample, also for paper", false)
    .addOption(
      new Option("--negative-draw <when>", "draw training negatives for each epoch, or once").choices([
        "eachEpoch",
        "once",
      ]),
    )
    .option("--with-replacement", "draw evaluation candidates with replacement", false)
    .addOption(options.fullCatalogueUsersOption())
    .option("--per-user <file>", "write each user's candidates and scores as JSON lines")
    .addOption(
      new Option(
        "--replay <time>",
        "afterwards train on the oldest 90 % and replay the rest as a stream, in windows of this size, such as 30d",
      ).argParser(options.duration),
    )
    .addOption(options.jsonOption())
    .action((values: RunCommandOptions) => run(values, terminal, command.getOptionValueSource("models") === "default"));
  for (const option of options.readOptions()) command.addOption(option);
}

async function run(values: RunCommandOptions, terminal: Terminal, modelsByDefault: boolean): Promise<void> {
  terminal.useJson(values.json);
  checkModelNames(values.models);
  terminal.goesOnBy("the same command goes on from here");
  const { signal } = terminal;
  const store = new FileObjectStore(values.out);
  const unlock = lockFolder(values.out);
  let perUser: PerUserFile | null = null;
  try {
    const dataset = await resolveOrGenerate(values.dataset, terminal, values.out, values.seed);
    perUser = values.perUser === undefined ? null : new PerUserFile(values.perUser);
    const report = await runJob(
      {
        source: localRatingsSource,
        store,
        backend: backendNamed(values.backend),
        createScorer,
        progress: terminal.progress,
        monotonicMs: () => performance.now(),
        log: terminal.log,
        machine: machineFacts(),
        peakRssBytes,
        samples: new ParquetSampleStore(store, "sample"),
      },
      {
        dataset,
        read: options.readRatingsOptions(values),
        sample: {
          fraction: values.fraction,
          sampler: values.sampler,
          seed: values.seed,
          tieRule: values.tieRule,
          catalogue: values.catalogue,
        },
        models: values.models,
        skipsUnfit: modelsByDefault,
        changes: {
          ...(values.epochs && { epochs: values.epochs }),
          ...(values.compactIds && { ids: "compact" }),
          ...(values.negativeDraw && { negativeDraw: values.negativeDraw }),
        },
        judge: { fullCatalogueUsers: values.fullCatalogueUsers, withReplacement: values.withReplacement },
        seed: values.seed,
        threads: values.threads,
        onCase: perUser?.add,
        command: dataset.command ?? options.commandLine(),
        version,
        signal,
      },
    );
    perUser?.finish();
    const text = `${reportTable(report)}\nReport: ${values.out}/report.html`;
    if (values.replay === undefined) return terminal.answer(report, text);
    // People see the table while the replay runs; a program gets one document.
    if (!values.json) terminal.answer(report, `${text}\n`);
    // Of the preset that the run names first.
    const preset = values.models.find((name) => Object.hasOwn(presets, name)) ?? replayDefaults.preset;
    const replayed = await replay(dataset, preset, values.replay, values, terminal);
    terminal.answer({ ...report, replay: replayed }, replayText(preset, replayed, values.out));
  } finally {
    perUser?.discard();
    unlock();
  }
}

/** Under the default settings of `ncf replay`. */
async function replay(
  dataset: ResolvedDataset,
  preset: string,
  windowMs: number,
  values: RunCommandOptions,
  terminal: Terminal,
): Promise<ReplayDatasetResult> {
  const { signal } = terminal;
  const { ratings } = await localRatingsSource.read(dataset.path, { ...options.readRatingsOptions(values), signal });
  return replayToTerminal(terminal, {
    dataset: dataset.name,
    generated: dataset.generated,
    ratings,
    out: values.out,
    preset,
    share: replayDefaults.share,
    windows: TimeWindows.ofSizeAndGrace(windowMs, replayDefaults.graceMs),
    partitions: replayDefaults.partitions,
    seed: values.seed,
    threads: values.threads,
  });
}
