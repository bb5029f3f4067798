/**
 * The memory in which a service keeps what users did since its model was trained, and how fast it takes it:
 *
 *   node --expose-gc --import tsx bench/recorded-interactions.ts [MILLIONS]      by default 4; MILLIONS of interactions, 20 a user
 */
import { RecordedInteractions } from "../src/app/serving/recorded-interactions.ts";
import { mix } from "../src/core/rng.ts";
import { machineLine } from "./measurement.ts";

const count = Number(process.argv[2] ?? 4) * 1_000_000;
const [users, items] = [count / 20, 30_000];
const used = () => {
  // Twice: what typed arrays hold goes with the second.
  for (const _ of [1, 2]) globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
};

const before = used();
const recorded = new RecordedInteractions();
const started = performance.now();
let kept = 0;
for (let i = 0; i < count; i++) {
  const drawn = mix(i, 1, 1);
  const [userId, itemId] = [`user-${drawn % users}`, String(mix(drawn, 2, 3) % items)];
  if (recorded.has(userId, itemId)) continue;
  recorded.add(userId, { itemId, timestampMs: 1_700_000_000_000 + i });
  kept += 1;
}
const millionPerSecond = kept / (performance.now() - started) / 1000;
const megabytes = (used() - before) / 1e6;
console.log(machineLine());
// Asked for here, so that they are still there when the memory is looked at.
console.log(
  `${kept} interactions of ${[...recorded.users()].length} users: ${((1e6 * megabytes) / kept).toFixed(0)} MB a million, ${millionPerSecond.toFixed(2)} million/s`,
);
