/** The main job: ratings file → sample → trained models → judgement → report, in one call. */
import { Popularity } from "../baselines/popularity.ts";
import { leakageShare } from "../core/evaluation.ts";
import type { ItemDetails, ValidationReport } from "../core/ratings.ts";
import type { Recommender } from "../core/recommender.ts";
import type { Sample } from "../core/sample.ts";
import { selectUsers } from "../core/user-sample.ts";
import { type NcfConfig, presetNamed } from "../ncf/config.ts";
import type { Progress } from "../ports/progress.ts";
import type { RatingsSource, ReadRatingsOptions } from "../ports/ratings-source.ts";
import type { SampleFiles, SampleOptions, SampleStore } from "../ports/sample-store.ts";
import { defaultJudgeOptions, judgeModels, type RankedCase } from "./judge.ts";
import { buildReport, type MachineFacts } from "./report/build-report.ts";
import type { Report } from "./report/report.ts";
import { reportPage } from "./report/report-page.ts";
import { popularityName } from "./report/verdicts.ts";
import { splitDataset } from "./sample.ts";
import { type TrainDeps, trainAndStore } from "./train-model.ts";
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
  /** Names of presets, and "popularity". */
  readonly models: readonly string[];
  /** Overrides every preset's own number. */
  readonly epochs: number | null;
  readonly seed: number;
  readonly threads: number;
  readonly fullCatalogueUsers: number;
  /** Told of every ranked case, for `--per-user`. */
  readonly onCase?: ((ranked: RankedCase, sample: Sample) => void) | undefined;
  /** The command line that repeats this run. */
  readonly command: string;
  readonly version: string;
  readonly signal?: AbortSignal | undefined;
}

/** @throws NcfError of every stage */
export async function runJob(deps: RunDeps, request: RunRequest): Promise<Report> {
  const configs = new Map(
    request.models.filter((name) => name !== popularityName).map((name) => [name, configOf(name, request.epochs)]),
  );
  const timings: { stage: string; seconds: number }[] = [];
  const timed = async <T>(stage: string, work: () => Promise<T>): Promise<T> => {
    request.signal?.throwIfAborted();
    const startMs = deps.monotonicMs();
    const result = await work();
    timings.push({ stage, seconds: (deps.monotonicMs() - startMs) / 1000 });
    return result;
  };

  const split = await timed("read and sample", () => readAndSplit(deps, request));
  await timed("write the sample", () => deps.samples.write(split));

  const models: Recommender[] = [];
  const records = new Map<string, TrainingRecord>();
  const hashes: Record<string, string> = {};
  for (const name of request.models) {
    const config = configs.get(name);
    if (config === undefined) {
      models.push(new Popularity(split.sample));
      continue;
    }
    const outcome = await timed(`train ${name}`, () =>
      trainAndStore(deps, {
        name,
        config,
        sample: split.sample,
        seed: request.seed,
        threads: request.threads,
        patience: null,
        prefix: `models/${name}/`,
        existing: "resumeIfSame",
        signal: request.signal,
      }),
    );
    models.push(deps.createScorer(outcome.model));
    records.set(name, outcome.record);
    hashes[name] = outcome.sha256;
  }

  const judgeOptions = { ...defaultJudgeOptions, seed: request.seed, fullCatalogueUsers: request.fullCatalogueUsers };
  const { onCase } = request;
  const judged = await timed("judge", () =>
    judgeModels(models, split.sample, judgeOptions, {
      progress: deps.progress,
      signal: request.signal,
      ...(onCase && { onCase: (ranked: RankedCase) => onCase(ranked, split.sample) }),
    }),
  );
  const report = buildReport({
    request,
    ...split,
    judged,
    judgeOptions,
    records,
    configs,
    modelHashes: hashes,
    leakageShare: leakageShare(split.sample),
    timings,
    machine: deps.machine,
    peakRssBytes: deps.peakRssBytes(),
  });
  const text = (content: string): Uint8Array => new TextEncoder().encode(content);
  await deps.store.put("report.json", text(`${JSON.stringify(report, null, 2)}\n`));
  await deps.store.put("report.html", text(reportPage(report)));
  return report;
}

function configOf(name: string, epochs: number | null): NcfConfig {
  const preset = presetNamed(name);
  return epochs === null ? preset : { ...preset, epochs };
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
