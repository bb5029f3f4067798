/** `ncf run`: the main job. */
import path from "node:path";
import type { Command } from "commander";
import { Option } from "commander";
import { FileInteractionLog } from "../../adapters/local/file-interaction-log.ts";
import { FileObjectStore } from "../../adapters/local/file-object-store.ts";
import { localRatingsSource } from "../../adapters/local/ratings-reader.ts";
import { ParquetSampleStore } from "../../adapters/parquet/parquet-sample-store.ts";
import { ObjectStoreRegistry } from "../../adapters/registry/object-store-registry.ts";
import { isNetworkPlan, type ModelPlan, planNamed } from "../../app/fit-model.ts";
import { checkModelNames, modelNames } from "../../app/model-names.ts";
import { modelToPublish, type PublishResult, trainAndPublish } from "../../app/publish.ts";
import type { ReplayDatasetResult } from "../../app/replay-dataset.ts";
import { grouped } from "../../app/report/number-text.ts";
import type { Report } from "../../app/report/report.ts";
import { reportTable } from "../../app/report/report-table.ts";
import { runJob } from "../../app/run.ts";
import type { SplitPlan } from "../../app/split-plan.ts";
import { NcfError } from "../../core/errors.ts";
import type { NcfConfig } from "../../ncf/config.ts";
import { createScorer } from "../../ncf/wasm/scorer.ts";
import type { SampleOptions } from "../../ports/sample-store.ts";
import { TimeWindows } from "../../streaming/time-windows.ts";
import { type ResolvedDataset, resolveOrGenerate } from "../dataset.ts";
import { lockFolder } from "../folder-lock.ts";
import { type ItemFeatureValues, itemFeatureOptions, itemFeatureSource } from "../item-feature-options.ts";
import { machineFacts, peakRssBytes } from "../machine.ts";
import { readModelToStartFrom } from "../model-to-start-from.ts";
import { type BackendName, backendNamed } from "../models.ts";
import * as options from "../options.ts";
import { PerUserFile } from "../per-user-file.ts";
import { interactionsBeside, serveUntilStopped } from "../serving.ts";
import { SettingsFiles } from "../settings-files.ts";
import { type SplitValues, splitOptions, splitPlanOf } from "../split-options.ts";
import type { Terminal } from "../terminal.ts";
import { version } from "../version.ts";
import { replayDefaults, replayText, trainAndReplay } from "./replay.ts";

interface RunCommandOptions extends options.ReadOptionValues, ItemFeatureValues, SplitValues {
  readonly dataset: string;
  readonly out: string;
  readonly models: string[];
  readonly settings: string[];
  readonly initFrom?: string;
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
  readonly publish: boolean;
  readonly publishModel?: string;
  readonly serve: boolean;
  readonly port?: number;
  readonly host: string;
  readonly allowName: string[];
  readonly json: boolean;
}

/** The best network, the default one and the paper's, beside a strong rival that is fast on data of any size. */
const byDefault = ["mf-recency", "neumf", "paper", "item-knn-recency", "popularity"];

export function addRunCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command("run")
    .description("Read ratings, train models, judge them against popularity and write a report.")
    .option("--dataset <name or path>", "a MovieLens data set by name, or a folder, zip or CSV file", "ml-latest-small")
    .requiredOption("--out <dir>", "folder for the sample, the models, report.json and report.html")
    .addOption(
      new Option("--models <names>", `presets and baselines: ${modelNames.join(", ")}`)
        .argParser(options.names)
        .default(byDefault, byDefault.join(",")),
    )
    .addOption(
      new Option("--settings <files>", "settings that `ncf tune` found, each file for its model (docs/tuning.md)")
        .argParser(options.names)
        .default([], "the models' own"),
    )
    .option(
      "--init-from <dir>",
      "start the model of this folder's name from it: trained on any data, items move by their id (docs/tuning.md)",
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
    .option(
      "--publish",
      "then train the best preset on all ratings and make it the champion of the registry in OUT/registry",
      false,
    )
    .option(
      "--publish-model <name>",
      "publish this one of --models, a preset or a baseline, instead of the best preset",
    )
    .option("--serve", "publish, then serve the champion over HTTP until Ctrl-C, as `ncf serve` does", false)
    .addOption(options.jsonOption())
    .action((values: RunCommandOptions) => run(values, terminal, command.getOptionValueSource("models") === "default"));
  const more = [...splitOptions(), ...itemFeatureOptions(), ...options.listenOptions(), ...options.readOptions()];
  for (const option of more) command.addOption(option);
}

async function run(values: RunCommandOptions, terminal: Terminal, modelsByDefault: boolean): Promise<void> {
  terminal.useJson(values.json);
  checkModelNames(values.models);
  const { publishModel } = values;
  const plans = await plansOf(values);
  if (publishModel !== undefined && !plans.has(publishModel)) {
    throw new NcfError("USAGE", `expected one of --models with --publish-model, found "${publishModel}"`);
  }
  const split = splitPlanOf(values, values.publish || publishModel !== undefined || values.serve);
  terminal.goesOnBy("the same command goes on from here");
  const answers = new Answers(terminal, values.json);
  const unlock = lockFolder(values.out);
  try {
    const dataset = await resolveOrGenerate(values.dataset, terminal, values.out, values.seed);
    const report = await judge(values, dataset, split, plans, modelsByDefault, terminal);
    answers.add(report, `${reportTable(report)}\nReport: ${values.out}/report.html`);
    const chosen = values.publishModel ?? modelToPublish(report);
    const plan = plans.get(chosen) ?? planNamed(chosen);
    if (values.replay !== undefined) {
      const replayed = await replay(dataset, plan, values.replay, values, terminal);
      answers.add({ replay: replayed }, `\n${replayText(replayed, values.out)}`);
    }
    if (values.publish || values.publishModel !== undefined || values.serve) {
      const { card } = await publish(plan, report, values, terminal);
      answers.add(
        { published: card },
        `\n${chosen}, trained on all ${grouped(card.dataset.interactions)} ratings` +
          `${card.dataset.generated ? " (generated data)" : ""}, is version ${card.version} in ${registryFolder(values)}.`,
      );
    }
  } finally {
    // While it serves, another run may train and publish here.
    unlock();
  }
  if (values.serve) await serve(values, answers, terminal);
  else answers.end();
}

/** People see each part as it comes; a program gets one document at the end. */
class Answers {
  readonly #terminal: Terminal;
  readonly #json: boolean;
  #document: object = {};

  constructor(terminal: Terminal, json: boolean) {
    this.#terminal = terminal;
    this.#json = json;
  }

  add(part: object, text: string): void {
    this.#document = { ...this.#document, ...part };
    if (!this.#json) this.#terminal.answer(part, text);
  }

  end(): void {
    if (this.#json) this.#terminal.answer(this.#document, "");
  }
}

/** The models of --models and those that --settings is for, by name. */
async function plansOf(values: RunCommandOptions): Promise<Map<string, ModelPlan>> {
  const settings = new SettingsFiles(values.settings);
  const changes: Partial<NcfConfig> = {
    ...(values.epochs && { epochs: values.epochs }),
    ...(values.compactIds && { ids: "compact" }),
    ...(values.negativeDraw && { negativeDraw: values.negativeDraw }),
  };
  const names = [...values.models, ...settings.models];
  const itemFeatures = await itemFeatureSource(values);
  const plans = new Map<string, ModelPlan>();
  for (const name of names) {
    const plan = settings.plan(name, changes);
    plans.set(name, isNetworkPlan(plan) && itemFeatures !== undefined ? { ...plan, itemFeatures } : plan);
  }
  if (itemFeatures !== undefined && ![...plans.values()].some(isNetworkPlan)) {
    throw new NcfError(
      "USAGE",
      `expected a network among --models, which alone takes features of items, found ${[...plans.keys()].join(", ")}`,
    );
  }
  if (values.initFrom === undefined) return plans;
  const initFrom = await readModelToStartFrom(values.initFrom);
  const { name } = initFrom.file.description;
  const starting = plans.get(name);
  if (starting === undefined || !isNetworkPlan(starting)) {
    throw new NcfError(
      "USAGE",
      `--init-from: expected a model among --models, found one of ${name}. Name it there, too`,
    );
  }
  return plans.set(name, { ...starting, initFrom });
}

function trainDeps(values: RunCommandOptions, terminal: Terminal) {
  return {
    store: new FileObjectStore(values.out),
    backend: backendNamed(values.backend),
    createScorer,
    progress: terminal.progress,
    monotonicMs: () => performance.now(),
    log: terminal.log,
  };
}

function samplesOf(values: RunCommandOptions): ParquetSampleStore {
  return new ParquetSampleStore(new FileObjectStore(values.out), "sample");
}

function registryFolder(values: RunCommandOptions): string {
  return path.join(values.out, "registry");
}

async function judge(
  values: RunCommandOptions,
  dataset: ResolvedDataset,
  split: SplitPlan,
  plans: ReadonlyMap<string, ModelPlan>,
  modelsByDefault: boolean,
  terminal: Terminal,
): Promise<Report> {
  const perUser = values.perUser === undefined ? null : new PerUserFile(values.perUser);
  try {
    const report = await runJob(
      {
        ...trainDeps(values, terminal),
        source: localRatingsSource,
        machine: machineFacts(),
        peakRssBytes,
        samples: samplesOf(values),
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
        models: [...plans.values()],
        skipsUnfit: modelsByDefault,
        judge: { fullCatalogueUsers: values.fullCatalogueUsers, withReplacement: values.withReplacement },
        split,
        seed: values.seed,
        seeds: values.seeds,
        threads: values.threads,
        onCase: perUser?.add,
        command: dataset.command ?? options.commandLine(),
        version,
        signal: terminal.signal,
      },
    );
    perUser?.finish();
    return report;
  } finally {
    perUser?.discard();
  }
}

async function publish(
  plan: ModelPlan,
  report: Report,
  values: RunCommandOptions,
  terminal: Terminal,
): Promise<PublishResult> {
  const registry = new ObjectStoreRegistry(new FileObjectStore(registryFolder(values)));
  return trainAndPublish(
    { ...trainDeps(values, terminal), registry },
    {
      plan,
      files: await samplesOf(values).read(),
      report,
      seed: values.seed,
      threads: values.threads,
      signal: terminal.signal,
    },
  );
}

async function serve(values: RunCommandOptions, answers: Answers, terminal: Terminal): Promise<void> {
  const { port = null, host, allowName } = values;
  const registry = registryFolder(values);
  const openLog = () => FileInteractionLog.open(interactionsBeside(registry));
  const options = { model: { registry }, runFolder: values.out, openLog, port, host, allowName };
  await serveUntilStopped(terminal, options, ({ url }) => {
    answers.add({ url }, `Recommendations and windows: ${url} (Ctrl-C stops it)`);
    answers.end();
  });
}

/** As `ncf replay` does where nothing else is said. */
async function replay(
  dataset: ResolvedDataset,
  plan: ModelPlan,
  windowMs: number,
  values: RunCommandOptions,
  terminal: Terminal,
): Promise<ReplayDatasetResult> {
  const { signal } = terminal;
  const { ratings, items, validation } = await localRatingsSource.read(dataset.path, {
    ...options.readRatingsOptions(values),
    signal,
  });
  const { name, generated } = dataset;
  return trainAndReplay(terminal, {
    dataset: { name, generated, ratings, items, ratingsSha256: validation.ratingsSha256 },
    out: values.out,
    plan,
    share: replayDefaults.share,
    catalogue: replayDefaults.catalogue,
    windows: TimeWindows.ofSizeAndGrace(windowMs, replayDefaults.graceMs),
    partitions: replayDefaults.partitions,
    seed: values.seed,
    threads: values.threads,
  });
}
