/** The main job: ratings file → sample → trained models → judgement → report, in one call. */

import { NcfError } from "../core/errors.ts";
import { encodeJsonFile } from "../core/json.ts";
import type { ItemDetails, ValidationReport } from "../core/ratings.ts";
import type { Sample } from "../core/sample.ts";
import { selectUsers } from "../core/user-sample.ts";
import { embeddingRows } from "../ncf/model.ts";
import type { Progress } from "../ports/progress.ts";
import type { RatingsSource, ReadRatingsOptions } from "../ports/ratings-source.ts";
import type { SampleFiles, SampleOptions, SampleStore } from "../ports/sample-store.ts";
import { type FittedModels, fitAll, plansUnderSeed } from "./fit-all.ts";
import { isNetworkPlan, type ModelPlan } from "./fit-model.ts";
import { defaultJudgeOptions, type JudgeListeners, type JudgeOptions, judgeRanked, type RankedCase } from "./judge.ts";
import { seedSpreads } from "./judging/mean-figures.ts";
import { type RankedSplit, rankModels } from "./judging/rank-models.ts";
import { buildReport, type MachineFacts } from "./report/build-report.ts";
import type { Report } from "./report/report.ts";
import { reportPage } from "./report/report-page.ts";
import { splitFacts } from "./report/split-facts.ts";
import { genresOf } from "./sample.ts";
import { type SplitPlan, splitByPlan } from "./split-plan.ts";
import { Stages } from "./stages.ts";
import type { TrainDeps } from "./train-model.ts";

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
  readonly split: SplitPlan;
  /** What is fitted and judged, each name once. */
  readonly models: readonly ModelPlan[];
  /** Leaves a preset that cannot take the sample's ids out, with a line that says so, rather than fail. */
  readonly skipsUnfit: boolean;
  readonly judge: Partial<Pick<JudgeOptions, "fullCatalogueUsers" | "withReplacement">>;
  /** Of sample, candidates and trainings. */
  readonly seed: number;
  /** Trainings of each model that has anything to draw: under `seed`, `seed` + 1, … */
  readonly seeds: number;
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
  const { splits, ...source } = await stages.timed("read and sample", () => readAndSplit(deps, request));
  // The last split is the one that is kept: it has the most to train on.
  const kept = splits[splits.length - 1];
  const plans = fitting(deps, request, kept.sample);
  await stages.timed("write the sample", () => deps.samples.write(kept));
  const judgeOptions = { ...defaultJudgeOptions, ...request.judge, seed: request.seed };
  const runs = await fitAndRank(deps, request, splits, plans, judgeOptions, stages);
  const [{ ranked, fitted }] = runs;
  const { progress, peakRssBytes, machine, store } = deps;
  const judged = await stages.timed("compare", () =>
    judgeRanked(ranked, judgeOptions, { progress, signal: request.signal }),
  );
  const report = buildReport({
    request,
    ...source,
    ...kept,
    judged,
    judgeOptions,
    ...fitted,
    configs: new Map(plans.map((plan) => [plan.name, isNetworkPlan(plan) ? plan.config : null])),
    seedSpreads: seedSpreads(runs.map(({ seed, ranked: of }) => ({ seed, splits: of }))),
    splits: splits.map((files, split) => splitFacts(files, ranked[split])),
    timings: stages.timings,
    machine,
    peakRssBytes: peakRssBytes(),
  });
  await store.put("report.json", encodeJsonFile(report));
  await store.put("report.html", new TextEncoder().encode(reportPage(report)));
  return report;
}

interface SeedRun {
  readonly seed: number;
  readonly ranked: RankedSplit[];
  /** The models of the last split. */
  readonly fitted: FittedModels;
}

/** Every split under every seed; the models of all but the last split under the first seed lie in folders of their own. */
async function fitAndRank(
  deps: RunDeps,
  request: RunRequest,
  splits: readonly SampleFiles[],
  plans: readonly ModelPlan[],
  judgeOptions: JudgeOptions,
  stages: Stages,
): Promise<SeedRun[]> {
  const { threads, signal } = request;
  const runs: SeedRun[] = [];
  for (let seedsOn = 0; seedsOn < request.seeds; seedsOn++) {
    const seed = request.seed + seedsOn;
    const seeded = plansUnderSeed(plans, seedsOn);
    if (seeded.length === 0) break;
    const ranked: RankedSplit[] = [];
    let fitted: FittedModels | null = null;
    for (const [index, files] of splits.entries()) {
      const cut = index < splits.length - 1 ? `cuts/${index + 1}/` : "";
      const suffix = `${splits.length > 1 ? `, cut ${index + 1}` : ""}${request.seeds > 1 ? `, seed ${seed}` : ""}`;
      const prefix = `${cut}${seedsOn > 0 ? `seeds/${seed}/` : ""}`;
      fitted = await fitAll(deps, files, { plans: seeded, seed, threads, prefix, suffix, signal }, stages);
      const { models } = fitted;
      const listeners = listenersOf(deps, request, seedsOn === 0 ? files.sample : null);
      const genres = genresOf(files);
      ranked.push(
        await stages.timed(`judge${suffix}`, () =>
          rankModels(models, files.sample, judgeOptions, listeners, { genres }),
        ),
      );
    }
    if (fitted !== null) runs.push({ seed, ranked, fitted });
  }
  return runs;
}

/** @param sample whose cases are told of, or null */
function listenersOf(deps: RunDeps, { onCase, signal }: RunRequest, sample: Sample | null): JudgeListeners {
  const { progress, monotonicMs } = deps;
  const tell = onCase && sample && ((ranked: RankedCase) => onCase(ranked, sample));
  return { progress, monotonicMs, signal, ...(tell && { onCase: tell }) };
}

/** The models that fit the sample: looked at before anything is trained, so that a run does not fail half-way. */
function fitting(deps: RunDeps, { models, skipsUnfit }: RunRequest, sample: Sample): ModelPlan[] {
  return models.filter((plan) => {
    try {
      if (isNetworkPlan(plan)) embeddingRows(plan.config, sample);
      return true;
    } catch (error) {
      if (!skipsUnfit || !(error instanceof NcfError) || error.code !== "RAW_ID_TOO_LARGE") throw error;
      deps.log(`${plan.name} is left out: ${error.message}`);
      return false;
    }
  });
}

/** What reading gives beside the splits. */
export interface ReadSource {
  readonly validation: ValidationReport;
  /** All items that the source lists. */
  readonly listedItems: readonly ItemDetails[];
  /** Kept ratings of each listed item, by numeric id. */
  readonly ratingsOfItem: ReadonlyMap<number, number>;
}

async function readAndSplit(deps: RunDeps, request: RunRequest): Promise<ReadSource & { splits: SampleFiles[] }> {
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
  return {
    splits: splitByPlan({ ...dataset, name, generated }, request.sample, request.split),
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
