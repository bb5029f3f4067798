/** What bench/stream-kafka.ts streams, and the versions that test it. */
import { ObjectStoreRegistry } from "../src/adapters/registry/object-store-registry.ts";
import { publishModel } from "../src/app/published-model.ts";
import { leaveOneOut, undivided } from "../src/core/leave-one-out.ts";
import { type RatingTable, ratingsAt } from "../src/core/ratings.ts";
import type { Sample } from "../src/core/sample.ts";
import { SyntheticDataset } from "../src/core/synthetic/dataset.ts";
import { syntheticRatingTable } from "../src/core/synthetic/table.ts";
import { stableOrderByTime } from "../src/core/time-order.ts";
import { encodeModel } from "../src/ncf/checkpoint.ts";
import { presetNamed } from "../src/ncf/config.ts";
import { embeddingRows } from "../src/ncf/model.ts";
import { initialTensors, parameterTable } from "../src/ncf/parameters.ts";
import type { NewRecord } from "../src/ports/interaction-log.ts";
import type { ObjectStore } from "../src/ports/object-store.ts";
import { encodeWireEvent } from "../src/streaming/interaction-event.ts";

export interface BenchStream {
  readonly records: readonly NewRecord[];
  readonly users: number;
  readonly items: number;
  readonly interactions: number;
  /** A version that is no champion. */
  readonly challenger: string;
}

const ratingsPerUser = 145;
const seed = 1;

/**
 * Publishes two versions with the preset's network and random weights, the first as champion, which know all but the newest
 * ratings of a generated data set with ML-20M's catalogue; the newest are the events.
 */
export async function makeStream(
  registryStore: ObjectStore,
  { preset, userCount, eventCount }: { preset: string; userCount: number; eventCount: number },
): Promise<BenchStream> {
  const data = new SyntheticDataset({ shape: "ml-20m", users: userCount, ratings: ratingsPerUser * userCount, seed });
  const table = syntheticRatingTable(data);
  const order = Int32Array.from({ length: table.length }, (_, row) => row);
  stableOrderByTime(order, 0, order.length, table.timestampMs);
  let start = order.length - eventCount;
  // No training interaction has the time of an event.
  while (start > 0 && table.timestampMs[order[start - 1]] === table.timestampMs[order[start]]) start -= 1;
  const sample = trainingSample(table, order.subarray(0, start), data);
  const config = presetNamed(preset);
  const { userRowCount, itemRowCount } = embeddingRows(config, sample);
  const { userIds, itemIds } = sample;
  const described = { backend: "wasm", arithmetic: "any", epochs: 0, sample: "", data: "" };
  const registry = new ObjectStoreRegistry(registryStore);
  const interactions = sample.train.items.length;
  const dataset = { name: "generated", generated: true, ratingsSha256: "" };
  const publish = (weightsSeed: number) => {
    const tensors = initialTensors(parameterTable(config, userRowCount, itemRowCount), weightsSeed);
    const description = { name: preset, config, seed: weightsSeed, ...described };
    return publishModel(registry, {
      model: encodeModel({ description, tensors, userIds, itemIds }),
      sample,
      items: data.movies,
      card: {
        name: preset,
        trainedOn: "allData",
        dataset: { ...dataset, users: userIds.length, items: itemIds.length, interactions },
        settings: JSON.parse(JSON.stringify(config)),
        seed: weightsSeed,
        judged: null,
      },
      metrics: null,
    });
  };
  await registry.promote((await publish(seed)).version);
  const { version: challenger } = await publish(seed + 1);
  const records = Array.from(order.subarray(start), (row): NewRecord => {
    const userId = String(table.userIds[table.user[row]]);
    const itemId = String(table.itemIds[table.item[row]]);
    const timestampMs = table.timestampMs[row];
    return { key: userId, value: encodeWireEvent({ userId, itemId, timestampMs }), timestampMs };
  });
  return { records, users: userIds.length, items: itemIds.length, interactions, challenger };
}

function trainingSample(table: RatingTable, rows: Int32Array, data: SyntheticDataset): Sample {
  const part = ratingsAt(table, rows);
  const present = new Uint8Array(table.userIds.length);
  for (const user of part.user) present[user] = 1;
  const listedItemIds = data.movies.map(({ id }) => id);
  return undivided(leaveOneOut(part, present, { tieRule: "firstInFile", seed, listedItemIds }).sample);
}
