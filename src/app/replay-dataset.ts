/**
 * The newest part of a data set as a stream: trains on what came before a moment, then replays what came after, testing the
 * model on each event before its user's history takes it in.
 */
import { z } from "zod";
import { NcfError } from "../core/errors.ts";
import { labelOf } from "../core/ids.ts";
import { decodeJson, encodeJsonFile } from "../core/json.ts";
import type { RatingTable } from "../core/ratings.ts";
import type { Sample } from "../core/sample.ts";
import { temporalSplit } from "../core/temporal-split.ts";
import type { NcfConfig } from "../ncf/config.ts";
import { createFoldIn } from "../ncf/fold-in.ts";
import type { TrainedModel } from "../ncf/model.ts";
import type { RowScorer } from "../ncf/wasm/scorer.ts";
import type { InteractionLog } from "../ports/interaction-log.ts";
import type { ObjectStore } from "../ports/object-store.ts";
import { ncfStreamModel } from "../streaming/ncf-stream-model.ts";
import type { TimeWindows } from "../streaming/time-windows.ts";
import { UserHistories } from "../streaming/user-histories.ts";
import { type WindowReport, windowReportSchema } from "../streaming/window-report.ts";
import { popularityHalfLifeMs } from "./model-names.ts";
import { type ReplayDeps, type ReplayEvent, type ReplayResult, replay } from "./replay.ts";
import { sampleHash } from "./sample.ts";
import { type TrainDeps, trainAndStore } from "./train-model.ts";

export interface ReplayDatasetDeps extends TrainDeps {
  readonly createScorer: (model: TrainedModel) => RowScorer;
  readonly interactions: InteractionLog;
  readonly onWindow?: ReplayDeps["onWindow"];
}

export interface ReplayDatasetRequest {
  /** Such as "ml-latest-small". */
  readonly dataset: string;
  /** Whether the data is made up; the result says so. */
  readonly generated: boolean;
  readonly ratings: RatingTable;
  /** The preset's name and settings. */
  readonly name: string;
  readonly config: NcfConfig;
  /** Share of the ratings that lie before the stream. */
  readonly share: number;
  readonly windows: TimeWindows;
  readonly partitions: number;
  readonly seed: number;
  readonly threads: number;
  readonly signal?: AbortSignal | undefined;
}

export interface ReplayDatasetResult extends ReplayResult {
  readonly dataset: string;
  readonly generated: boolean;
  /** The stream's first moment. */
  readonly fromMs: number;
  readonly model: string;
  readonly trainingInteractions: number;
}

/** Where the result is kept in the store, as JSON. */
const replayResultKey = "replay/windows.json";

/** @throws NcfError `DATA_TOO_SMALL` and those of training and of `replay` */
export async function replayDataset(
  deps: ReplayDatasetDeps,
  request: ReplayDatasetRequest,
): Promise<ReplayDatasetResult> {
  const { dataset, generated, ratings, name, config, seed, signal } = request;
  const { fromMs, before, after } = temporalSplit(ratings, request.share);
  const sampleSha256 = sampleHash(before);
  const trained = await trainAndStore(deps, {
    name,
    config,
    sample: before,
    sampleSha256,
    seed,
    threads: request.threads,
    patience: null,
    prefix: `replay/models/${name}/`,
    existing: "resumeIfSame",
    signal,
  });
  const model = ncfStreamModel({
    version: `${name}-${trained.sha256.slice(0, 12)}`,
    sample: before,
    scorer: deps.createScorer(trained.model),
    foldIn: createFoldIn(trained.model),
    popularityHalfLifeMs,
  });
  const { store, progress, onWindow } = deps;
  const result = await replay(
    { log: deps.interactions, store, progress, onWindow },
    {
      events: Array.from(after, (row) => eventOf(ratings, row)),
      model,
      base: { id: sampleSha256, histories: historiesOf(before) },
      windows: request.windows,
      partitions: request.partitions,
      seed,
      allowLeak: false,
      signal,
    },
  );
  const trainingInteractions = before.train.items.length;
  const outcome = { dataset, generated, fromMs, model: model.version, trainingInteractions, ...result };
  await deps.store.put(replayResultKey, encodeJsonFile(outcome));
  return outcome;
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

function eventOf(ratings: RatingTable, row: number): ReplayEvent {
  return {
    userId: labelOf(ratings.userIds[ratings.user[row]], ratings.userLabels),
    itemId: labelOf(ratings.itemIds[ratings.item[row]], ratings.itemLabels),
    timestampMs: ratings.timestampMs[row],
  };
}

/** Snapshot 0: what the sample's users did. */
function historiesOf({ userIds, itemIds, train }: Sample): UserHistories {
  const histories = new UserHistories();
  userIds.forEach((userId, user) => {
    for (let i = train.offsets[user]; i < train.offsets[user + 1]; i++) {
      histories.append(userId, itemIds[train.items[i]], train.timestampsMs[i], false);
    }
  });
  return histories;
}
