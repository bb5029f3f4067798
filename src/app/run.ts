/** The main job: ratings file → sample → trained models → judgement → report, in one call. */

import type { Baseline } from "../baselines/baseline.ts";
import { baselineKindNamed } from "../baselines/kinds.ts";
import { byTrainingHistory } from "../core/by-history.ts";
import { NcfError } from "../core/errors.ts";
import { leakageShare } from "../core/evaluation.ts";
import { encodeJsonFile } from "../core/json.ts";
import type { ItemDetails, ValidationReport } from "../core/ratings.ts";
import type { Recommender } from "../core/recommender.ts";
import type { Sample } from "../core/sample.ts";
import { selectUsers } from "../core/user-sample.ts";
import { type NcfConfig, presetNamed } from "../ncf/config.ts";
import { embeddingRows } from "../ncf/model.ts";
import type { Progress } from "../ports/progress.ts";
import type { RatingsSource, ReadRatingsOptions } from "../ports/ratings-source.ts";
import type { SampleFiles, SampleOptions, SampleStore } from "../ports/sample-store.ts";
import { defaultJudgeOptions, type JudgeOptions, judgeModels, type RankedCase } from "./judge.ts";
import { buildReport, type MachineFacts } from "./report/build-report.ts";
import type { Report } from "./report/report.ts";
import { reportPage } from "./report/report-page.ts";
import { splitDataset } from "./sample.ts";
import { type TrainDeps, type TrainOutcome, trainAndStore } from "./train-model.ts";
import type { TrainingRecord } from "./training-record.ts";

export interface RunDeps extends TrainDeps {
  readonly source: RatingsSource;
  readonly progress: Progress;
  readonly machine: MachineFacts;
  readonly peakRssBytes: () => number;
  /** Where `ncf evaluate` and `ncf recommend` find the sample. */
  readonly samples: SampleStore;
}

export interface RunRequest {
  readonly dataset: {
    /** Such as "ml-latest-small". */
    readonly name: string;
    readonly path: string;
    readonly generated: boolean;
  };
  readonly read: ReadRatingsOptions;
  readonly sample: SampleOptions;
  /** Names of presets and baselines. */
  readonly models: readonly string[];
  /** Leaves a preset that cannot take the sample's ids out, with a line that says so, rather than fail. */
  readonly skipsUnfit: boolean;
  /** Settings that replace every preset's own. */
  readonly changes: Partial<Pick<NcfConfig, "epochs" | "ids" | "negativeDraw">>;
  readonly judge: Partial<Pick<JudgeOptions, "fullCatalogueUsers" | "withReplacement">>;
  readonly seed: number;
  readonly threads: number;
  /** Told of every ranked case, for `--per-user`. */
  readonly onCase?: ((ranked: RankedCase, sample: Sample) => void) | undefined;
  /** The command line that repeats this run. */
  readonly command: string;
  readonly version: string;
  readonly signal?: AbortSignal | undefined;
}

/** @throws NcfError of every stage */
export async function runJob(deps: RunDeps, request: RunRequest): Promise<Report> {
  const stages = new Stages(deps.monotonicMs, request.signal);
  const split = await stages.timed("read and sample", () => readAndSplit(deps, request));
  const configs = configurations(deps, request, split.sample);
  await stages.timed("write the sample", () => deps.samples.write(split));
  const trained = await trainAll(deps, request, split, configs, stages);

  const { onCase, signal } = request;
  const judgeOptions = { ...defaultJudgeOptions, ...request.judge, seed: request.seed };
  const judged = await stages.timed("judge", () =>
    judgeModels(trained.models, split.sample, judgeOptions, {
      progress: deps.progress,
      signal,
      ...(onCase && { onCase: (ranked: RankedCase) => onCase(ranked, split.sample) }),
    }),
  );
  const report = buildReport({
    request,
    ...split,
    judged,
    judgeOptions,
    records: trained.records,
    configs,
    modelHashes: trained.hashes,
    leakageShare: leakageShare(split.sample),
    timings: stages.timings,
    machine: deps.machine,
    peakRssBytes: deps.peakRssBytes(),
  });
  await deps.store.put("report.json", encodeJsonFile(report));
  await deps.store.put("report.html", new TextEncoder().encode(reportPage(report)));
  return report;
}

/** Times the stages of a run and looks at the signal before each. */
class Stages {
  readonly timings: { stage: string; seconds: number }[] = [];
  readonly #monotonicMs: () => number;
  readonly #signal: AbortSignal | undefined;

  constructor(monotonicMs: () => number, signal: AbortSignal | undefined) {
    this.#monotonicMs = monotonicMs;
    this.#signal = signal;
  }

  /** @param stage its name, or how the result names it */
  async timed<T>(stage: string | ((result: T) => string), work: () => Promise<T>): Promise<T> {
    this.#signal?.throwIfAborted();
    const startMs = this.#monotonicMs();
    const result = await work();
    const name = typeof stage === "string" ? stage : stage(result);
    this.timings.push({ stage: name, seconds: (this.#monotonicMs() - startMs) / 1000 });
    return result;
  }
}

/**
 * Each model's configuration by name, null for baselines; checked against the sample before any training, so that a run
 * does not fail half-way.
 */
function configurations(deps: RunDeps, request: RunRequest, sample: Sample): Map<string, NcfConfig | null> {
  const configs = new Map<string, NcfConfig | null>();
  for (const name of request.models) {
    if (baselineKindNamed(name) !== null) {
      configs.set(name, null);
      continue;
    }
    const config = { ...presetNamed(name), ...request.changes };
    try {
      embeddingRows(config, sample);
      configs.set(name, config);
    } catch (error) {
      if (!request.skipsUnfit || !(error instanceof NcfError) || error.code !== "RAW_ID_TOO_LARGE") throw error;
      deps.log(`${name} is left out: ${error.message}`);
    }
  }
  return configs;
}

async function trainAll(
  deps: RunDeps,
  request: RunRequest,
  { sample, manifest }: SampleFiles,
  configs: ReadonlyMap<string, NcfConfig | null>,
  stages: Stages,
): Promise<{ models: Recommender[]; records: Map<string, TrainingRecord>; hashes: Record<string, string> }> {
  const models: Recommender[] = [];
  const records = new Map<string, TrainingRecord>();
  const hashes: Record<string, string> = {};
  for (const [name, config] of configs) {
    if (config === null) {
      const kind = baselineKindNamed(name);
      if (kind === null) continue;
      const fit = (): Promise<Baseline> =>
        kind.fit({ sample, attributes: Array.from(sample.itemIds, () => []) }, kind.defaults, {
          signal: request.signal,
        });
      models.push(byTrainingHistory(await stages.timed(`fit ${name}`, fit), sample));
      continue;
    }
    const train = (): Promise<TrainOutcome> =>
      trainAndStore(deps, {
        name,
        config,
        sample,
        sampleSha256: manifest.sha256,
        seed: request.seed,
        threads: request.threads,
        patience: null,
        prefix: `models/${name}/`,
        existing: "resumeIfSame",
        signal: request.signal,
      });
    const outcome = await stages.timed(
      ({ reused }) => (reused ? `load ${name}, trained before` : `train ${name}`),
      train,
    );
    models.push(deps.createScorer(outcome.model));
    records.set(name, outcome.record);
    hashes[name] = outcome.sha256;
  }
  return { models, records, hashes };
}

/** What reading and splitting give. */
export interface SplitDataset extends SampleFiles {
  readonly validation: ValidationReport;
  /** All items that the source lists. */
  readonly listedItems: readonly ItemDetails[];
  /** Kept ratings of each listed item, by numeric id. */
  readonly ratingsOfItem: ReadonlyMap<number, number>;
}

async function readAndSplit(deps: RunDeps, request: RunRequest): Promise<SplitDataset> {
  const { name, path, generated } = request.dataset;
  const task = deps.progress.start(`Reading ${name}`, undefined, "rows");
  const dataset = await deps.source.read(path, {
    ...request.read,
    selectUsers: (userIds) => selectUsers(userIds, request.sample),
    onProgress: ({ rowsRead }) => task.update(rowsRead),
    ...(request.signal && { signal: request.signal }),
  });
  task.update(dataset.validation.rowsRead);
  task.end();
  const { ratings, items, validation } = dataset;
  const everyone = new Uint8Array(ratings.userIds.length).fill(1);
  return {
    ...splitDataset({ ...dataset, name, generated }, everyone, request.sample),
    listedItems: items,
    validation,
    ratingsOfItem: ratingsOfItem(ratings.itemIds, ratings.item),
  };
}

function ratingsOfItem(itemIds: Float64Array, rows: Int32Array): Map<number, number> {
  const counts = new Int32Array(itemIds.length);
  for (const item of rows) counts[item] += 1;
  return new Map(Array.from(itemIds, (id, item) => [id, counts[item]]));
}
