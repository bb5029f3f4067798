/**
 * Memory of user histories at ML-20M's size, for bench/stream.ts: 20,000,263 generated interactions of 138,493 users, added
 * in order of time, so that users take turns as in a stream.
 *
 *   node --expose-gc --import tsx bench/stream-histories.ts
 */
import { SyntheticDataset } from "../src/core/synthetic/dataset.ts";
import { syntheticRatingTable } from "../src/core/synthetic/table.ts";
import { stableOrderByTime } from "../src/core/time-order.ts";
import { UserHistories } from "../src/streaming/user-histories.ts";
import { grouped } from "./measurement.ts";

const collect = globalThis.gc;
if (collect === undefined) throw new Error("expected node --expose-gc, found no way to collect garbage");
const table = syntheticRatingTable(new SyntheticDataset({ shape: "ml-20m", seed: 1 }));
const order = Int32Array.from({ length: table.length }, (_, row) => row);
stableOrderByTime(order, 0, order.length, table.timestampMs);
collect();
const before = process.memoryUsage.rss();
const started = process.cpuUsage();
const histories = new UserHistories();
for (const row of order) {
  histories.append(table.userIds[table.user[row]], table.itemIds[table.item[row]], table.timestampMs[row], false);
}
const { user, system } = process.cpuUsage(started);
collect();
const grown = process.memoryUsage.rss() - before;
console.log(
  `${grouped(histories.entryCount)} interactions of ${grouped(histories.userCount)} users and ` +
    `${grouped(histories.itemCount)} items in memory: ${grouped(grown / 1e6)} MB of resident memory ` +
    `(${grouped(histories.byteLength / 1e6)} MB of arrays, ${(histories.byteLength / histories.entryCount).toFixed(1)} bytes ` +
    `an interaction), ${((user + system) / histories.entryCount).toFixed(2)} us an append`,
);
