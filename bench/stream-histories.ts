/**
 * Memory of user histories, for bench/stream.ts: interactions are read from a file in order of time, so that users take
 * turns as in a stream.
 *
 *   node --expose-gc --import tsx bench/stream-histories.ts FILE      (three doubles an interaction: user, item, time)
 */
import { closeSync, openSync, readSync } from "node:fs";
import { UserHistories } from "../src/streaming/user-histories.ts";
import { grouped } from "./measurement.ts";

const collect = globalThis.gc;
if (collect === undefined) throw new Error("expected node --expose-gc, found no way to collect garbage");
const input = openSync(process.argv[2], "r");
const values = new Float64Array(3 * 65_536);
collect();
const before = process.memoryUsage.rss();
const started = process.cpuUsage();
const histories = new UserHistories();
for (let bytes = readSync(input, values); bytes > 0; bytes = readSync(input, values)) {
  for (let at = 0; at < bytes / 8; at += 3) histories.append(values[at], values[at + 1], values[at + 2], false);
}
closeSync(input);
const { user, system } = process.cpuUsage(started);
collect();
const grown = process.memoryUsage.rss() - before;
console.log(
  `${grouped(histories.entryCount)} interactions of ${grouped(histories.userCount)} users and ` +
    `${grouped(histories.itemCount)} items in memory: ${grouped(grown / 1e6)} MB of resident memory ` +
    `(${grouped(histories.byteLength / 1e6)} MB of arrays, ${(histories.byteLength / histories.entryCount).toFixed(1)} bytes ` +
    `an interaction), ${((user + system) / histories.entryCount).toFixed(2)} us to read and append one`,
);
