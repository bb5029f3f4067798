/**
 * The newest part of a data set as a stream: trains on what came before a moment, then replays what came after, testing the
 * model on each event before its user's history takes it in.
 */
import { z } from "zod";
import { NcfError } from "../core/errors.ts";
import { labelOf } from "../core/ids.ts";
import { decodeJson, encodeJsonFile } from "../core/json.ts";
import type { ItemDetails, RatingTable } from "../core/ratings.ts";
import type { Sample } from "../core/sample.ts";
import { newerRows, temporalSplit } from "../core/temporal-split.ts";
import type { TrainedModel } from "../ncf/model.ts";
import type { RowScorer } from "../ncf/wasm/scorer.ts";
import type { InteractionLog } from "../ports/interaction-log.ts";
import type { ObjectStore } from "../ports/object-store.ts";
import type { Progress } from "../ports/progress.ts";
import type { SampleFiles, SampleStore } from "../ports/sample-store.ts";
import { fittedStreamModel } from "../streaming/fitted-stream-model.ts";
import { historiesOf } from "../streaming/sample-histories.ts";
import type { TimeWindows } from "../streaming/time-windows.ts";
import { type WindowReport, windowReportSchema } from "../streaming/window-report.ts";
import { fitAndStore, isNetworkPlan, type ModelPlan } from "./fit-model.ts";
import { type FittedModel, networkOf, userModelOf } from "./fitted-model.ts";
import { popularityHalfLifeMs } from "./model-names.ts";
import { trainedItems, withListed, withListedItems } from "./new-items.ts";
import { type ReplayDeps, type ReplayEvent, type ReplayResult, replay } from "./replay.ts";
import { catalogueDetails, sampleHash } from "./sample.ts";
import type { TrainDeps } from "./train-model.ts";

export interface ReplayModelDeps {
  readonly createScorer: (model: TrainedModel) => RowScorer;
  /** Takes the result. */
  readonly store: ObjectStore;
  readonly progress: Progress;
  readonly interactions: InteractionLog;
  readonly onWindow?: ReplayDeps["onWindow"];
}

export interface ReplayDatasetDeps extends TrainDeps, ReplayModelDeps {
  readonly createScorer: (model: TrainedModel) => RowScorer;
  /** Takes what the model was trained on. */
  readonly samples: SampleStore;
}

interface StreamRequest {
  readonly dataset: ReplayedDataset;
  /** Share of the ratings that lie before the stream. */
  readonly share: number;
  /**
   * Items that can be tested and drawn as candidates: those of the model's sample, or all that the data set lists. Those
   * without a training interaction start from their genres.
   */
  readonly catalogue: "sample" | "listed";
  readonly windows: TimeWindows;
  readonly partitions: number;
  readonly seed: number;
  readonly signal?: AbortSignal | undefined;
}

export interface ReplayedDataset {
  /** Such as "ml-latest-small". */
  readonly name: string;
  /** Whether the data is made up; the result says so. */
  readonly generated: boolean;
  readonly ratings: RatingTable;
  readonly items: readonly ItemDetails[];
  readonly ratingsSha256: string;
}

export interface ReplayDatasetRequest extends StreamRequest {
  readonly plan: ModelPlan;
  readonly threads: number;
}

export interface ReplayModelRequest extends StreamRequest {
  readonly model: FittedModel;
  /** Names the model in reports. */
  readonly version: string;
  /** What the model was trained on. */
  readonly sample: SampleFiles;
  /** Goes on where the model may have learnt from events, and marks the reports. */
  readonly allowLeak: boolean;
}

export interface ReplayDatasetResult extends ReplayResult {
  readonly dataset: string;
  readonly generated: boolean;
  /** The stream's first moment. */
  readonly fromMs: number;
  readonly model: string;
  readonly catalogue: StreamRequest["catalogue"];
  readonly trainingInteractions: number;
  /** Tested events that the model may have learnt from. */
  readonly leaked: number;
}

/** Where the result is kept in the store, as JSON. */
const replayResultKey = "replay/windows.json";

/**
 * Trains on what lies before the stream, then replays it.
 *
 * @throws NcfError `DATA_TOO_SMALL` and those of training and of `replay`
 */
export async function replayDataset(
  deps: ReplayDatasetDeps,
  request: ReplayDatasetRequest,
): Promise<ReplayDatasetResult> {
  const { dataset, plan, seed, threads, signal } = request;
  const { fromMs, before } = temporalSplit(dataset.ratings, request.share);
  // A network gets rows for new items afterwards; a baseline must meet them when it is fitted.
  const fitsListed = request.catalogue === "listed" && !isNetworkPlan(plan);
  const known = fitsListed ? withListed(before, dataset.items).sample : before;
  const files = sampleFilesBefore(fromMs, known, dataset, seed);
  await deps.samples.write(files);
  const { model, sha256 } = await fitAndStore(deps, {
    plan,
    purpose: "replay",
    sample: known,
    items: files.items,
    sampleSha256: files.manifest.sha256,
    seed,
    threads,
    prefix: `replay/models/${plan.name}/`,
    existing: "resumeIfSame",
    signal,
  });
  const version = versionName(plan.name, sha256);
  return replayModel(deps, { ...request, model, version, sample: files, allowLeak: false });
}

/** How reports name a model that comes from no registry: by its content. */
export function versionName(name: string, sha256: string): string {
  return `${name}-${sha256.slice(0, 12)}`;
}

/**
 * Replays the data set's newer part against a model that is there.
 *
 * @throws NcfError `LEAK` where the model may have learnt from what it is to be tested on; those of `replay`
 */
export async function replayModel(deps: ReplayModelDeps, request: ReplayModelRequest): Promise<ReplayDatasetResult> {
  const { dataset, sample, seed, signal, allowLeak } = request;
  const { ratings } = dataset;
  const { fromMs, rows } = newerRows(ratings, request.share);
  const tested = testedModel(request);
  const model = fittedStreamModel({
    version: request.version,
    sample: tested.sample,
    model: userModelOf(deps.createScorer, tested.model, trainedItems(tested.sample), dataset.items),
    popularityHalfLifeMs,
  });
  const leaking = rows.filter((row) => ratings.timestampMs[row] <= model.cutOffMs).length;
  if (leaking > 0 && !allowLeak) throw leak(request.version, model.cutOffMs, leaking, rows.length);
  const { store, progress, onWindow } = deps;
  const result = await replay(
    { log: deps.interactions, store, progress, onWindow },
    {
      events: Array.from(rows, (row) => eventOf(ratings, row)),
      model,
      base: { id: sample.manifest.sha256, histories: historiesOf(sample.sample) },
      windows: request.windows,
      partitions: request.partitions,
      seed,
      allowLeak,
      signal,
    },
  );
  const outcome = {
    dataset: dataset.name,
    generated: dataset.generated,
    fromMs,
    model: model.version,
    catalogue: request.catalogue,
    trainingInteractions: sample.sample.train.items.length,
    leaked: result.windows.reduce((sum, { leaked }) => sum + leaked, 0),
    ...result,
  };
  await deps.store.put(replayResultKey, encodeJsonFile(outcome));
  return outcome;
}

function holdsAll({ itemIds }: Sample, items: readonly ItemDetails[]): boolean {
  const known = new Set(itemIds);
  return items.every(({ id }) => known.has(id));
}

/**
 * The model over the items that can be tested.
 *
 * @throws NcfError `MODEL_KIND` for a baseline that lacks some of them
 */
function testedModel({ model, sample: { sample }, dataset, catalogue }: ReplayModelRequest): {
  readonly model: FittedModel;
  readonly sample: Sample;
} {
  if (catalogue === "sample" || holdsAll(sample, dataset.items)) return { model, sample };
  const remedy = `Take --catalogue sample, or let the replay fit it to all listed items: --preset ${model.name}`;
  const network = networkOf(model, "given rows for items that it has not learnt", remedy);
  return withListedItems(network, sample, dataset.items);
}

function leak(version: string, cutOffMs: number, leaking: number, events: number): NcfError {
  return new NcfError(
    "LEAK",
    `expected events after ${new Date(cutOffMs).toISOString()}, up to where ${version} has learnt, found ${leaking} of ` +
      `${events} at or before. Start the stream later (--before), take a model with an earlier cut-off, or --allow-leak, ` +
      "which marks the reports",
  );
}

/** The sample as `ncf sample` would describe it. */
function sampleFilesBefore(beforeMs: number, sample: Sample, dataset: ReplayedDataset, seed: number): SampleFiles {
  const { name, generated, items, ratingsSha256 } = dataset;
  return {
    sample,
    items: catalogueDetails(sample, items),
    manifest: {
      dataset: name,
      generated,
      ratingsSha256,
      options: { fraction: 1, sampler: "hash", seed, tieRule: "lastInFile", catalogue: "sample" },
      beforeMs,
      counts: {
        ratings: sample.train.items.length,
        repeatedPairs: 0,
        testedUsers: 0,
        singletonUsers: 0,
        tiedUsers: 0,
        coldTestItems: 0,
        users: sample.userIds.length,
        items: sample.itemIds.length,
      },
      sha256: sampleHash(sample),
    },
  };
}

/** The windows of the replay in this store; none where there was no replay. @throws NcfError `FILE_FOREIGN` */
export async function replayedWindows(store: ObjectStore): Promise<WindowReport[]> {
  if ((await store.head(replayResultKey)) === null) return [];
  try {
    const stored = decodeJson(await store.get(replayResultKey));
    return z.object({ windows: z.array(windowReportSchema) }).parse(stored).windows;
  } catch (cause) {
    const what = `${replayResultKey}: expected the windows that ncf replay wrote, found something else. Replay anew`;
    throw new NcfError("FILE_FOREIGN", what, { cause });
  }
}

/** As the source wrote it. */
export function eventOf(ratings: RatingTable, row: number): ReplayEvent {
  return {
    userId: labelOf(ratings.userIds[ratings.user[row]], ratings.userLabels),
    itemId: labelOf(ratings.itemIds[ratings.item[row]], ratings.itemLabels),
    timestampMs: ratings.timestampMs[row],
  };
}
