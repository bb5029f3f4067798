/** Generated ratings, and networks trained on those before a moment, for tests of the stream with real models. */
import { ncfUserModel } from "../../src/app/fitted-model.ts";
import { popularityHalfLifeMs } from "../../src/app/model-names.ts";
import type { RatingTable } from "../../src/core/ratings.ts";
import type { Sample } from "../../src/core/sample.ts";
import { SyntheticDataset } from "../../src/core/synthetic/dataset.ts";
import { syntheticRatingTable } from "../../src/core/synthetic/table.ts";
import { temporalSplit } from "../../src/core/temporal-split.ts";
import { presets } from "../../src/ncf/config.ts";
import { createFoldIn } from "../../src/ncf/fold-in.ts";
import { type TrainedModel, trainingData } from "../../src/ncf/model.ts";
import { type WasmBackendOptions, wasmBackend } from "../../src/ncf/wasm/backend.ts";
import { createScorer } from "../../src/ncf/wasm/scorer.ts";
import { fittedStreamModel } from "../../src/streaming/fitted-stream-model.ts";
import type { WireEvent } from "../../src/streaming/interaction-event.ts";
import type { StreamModel } from "../../src/streaming/stream-model.ts";

export const ratings = syntheticRatingTable(
  new SyntheticDataset({ shape: "small", seed: 4, users: 60, movies: 300, ratings: 3000 }),
);
export const split = temporalSplit(ratings, 0.8);
/** The stream: all ratings from the split on, by time. */
export const events = eventsOf(ratings, split.after);

export async function trainedNetwork(
  sample: Sample,
  { threads = 1, ...backend }: WasmBackendOptions & { readonly threads?: number } = {},
): Promise<TrainedModel> {
  const config = presets.paper;
  const data = trainingData(config, sample);
  const session = await wasmBackend(backend).open(config, data, { seed: 5, threads });
  for (let epoch = 0; epoch < 2; epoch++) await session.run(session.stepsPerEpoch);
  const tensors = session.model();
  await session.close();
  return { name: "paper", config, tensors, userRows: data.userRows, itemRows: data.itemRows };
}

export function streamModelOf(network: TrainedModel, sample: Sample, version = "v1"): StreamModel {
  const model = ncfUserModel({ scorer: createScorer(network), foldIn: createFoldIn(network) });
  return fittedStreamModel({ version, sample, model, popularityHalfLifeMs });
}

function eventsOf({ userIds, itemIds, user, item, timestampMs }: RatingTable, rows: Int32Array): WireEvent[] {
  return Array.from(rows, (row) => ({
    userId: userIds[user[row]],
    itemId: itemIds[item[row]],
    timestampMs: timestampMs[row],
  }));
}
