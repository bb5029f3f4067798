/** The main job: ratings file → sample → trained models → judgement → report, in one call. */

import { NcfError } from "../core/errors.ts";
import { leakageShare } from "../core/evaluation.ts";
import { encodeJsonFile } from "../core/json.ts";
import type { ItemDetails, ValidationReport } from "../core/ratings.ts";
import type { Recommender } from "../core/recommender.ts";
import type { Sample } from "../core/sample.ts";
import { selectUsers } from "../core/user-sample.ts";
import type { NcfConfig } from "../ncf/config.ts";
import { embeddingRows } from "../ncf/model.ts";
import type { Progress } from "../ports/progress.ts";
import type { RatingsSource, ReadRatingsOptions } from "../ports/ratings-source.ts";
import type { SampleFiles, SampleOptions, SampleStore } from "../ports/sample-store.ts";
import { fitAndStore, isNetworkPlan, type ModelPlan, planNamed } from "./fit-model.ts";
import { recommenderOf } from "./fitted-model.ts";
import { defaultJudgeOptions, type JudgeOptions, judgeModels, type RankedCase } from "./judge.ts";
import { buildReport, type MachineFacts } from "./report/build-report.ts";
import type { Report } from "./report/report.ts";
import { reportPage } from "./report/report-page.ts";
import { splitDataset } from "./sample.ts";
import type { TrainDeps } from "./train-model.ts";
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
  const plans = plansOf(deps, request, split.sample);
  await stages.timed("write the sample", () => deps.samples.write(split));
  const fitted = await fitAll(deps, request, split, plans, stages);

  const { onCase, signal } = request;
  const judgeOptions = { ...defaultJudgeOptions, ...request.judge, seed: request.seed };
  const judged = await stages.timed("judge", () =>
    judgeModels(fitted.models, split.sample, judgeOptions, {
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
    records: fitted.records,
    configs: new Map(plans.map((plan) => [plan.name, isNetworkPlan(plan) ? plan.config : null])),
    modelHashes: fitted.hashes,
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

/** What is to be fitted; checked against the sample before anything is, so that a run does not fail half-way. */
function plansOf(deps: RunDeps, { models, changes, skipsUnfit }: RunRequest, sample: Sample): ModelPlan[] {
  const plans: ModelPlan[] = [];
  for (const name of new Set(models)) {
    const plan = planNamed(name, changes);
    try {
      if (isNetworkPlan(plan)) embeddingRows(plan.config, sample);
      plans.push(plan);
    } catch (error) {
      if (!skipsUnfit || !(error instanceof NcfError) || error.code !== "RAW_ID_TOO_LARGE") throw error;
      deps.log(`${name} is left out: ${error.message}`);
    }
  }
  return plans;
}

interface Fitted {
  readonly models: Recommender[];
  readonly records: Map<string, TrainingRecord>;
  readonly hashes: Record<string, string>;
}

async function fitAll(
  deps: RunDeps,
  request: RunRequest,
  { sample, items, manifest }: SampleFiles,
  plans: readonly ModelPlan[],
  stages: Stages,
): Promise<Fitted> {
  const fitted: Fitted = { models: [], records: new Map(), hashes: {} };
  for (const plan of plans) {
    const { name } = plan;
    const { seed, threads, signal } = request;
    const fit = () =>
      fitAndStore(deps, {
        plan,
        sample,
        items,
        sampleSha256: manifest.sha256,
        seed,
        threads,
        prefix: `models/${name}/`,
        existing: "resumeIfSame",
        signal,
      });
    const [doing, done] = isNetworkPlan(plan) ? ["train", "trained"] : ["fit", "fitted"];
    const { model, record, sha256 } = await stages.timed(
      ({ reused }) => (reused ? `load ${name}, ${done} before` : `${doing} ${name}`),
      fit,
    );
    fitted.models.push(recommenderOf(deps.createScorer, model, sample));
    if (record !== null) fitted.records.set(name, record);
    fitted.hashes[name] = sha256;
  }
  return fitted;
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
