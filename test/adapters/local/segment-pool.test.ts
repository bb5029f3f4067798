import { setTimeout as pause } from "node:timers/promises";
import { expect, it } from "vitest";
import { SegmentPool } from "../../../src/adapters/local/segment-pool.ts";
import { RatingsAssembler } from "../../../src/core/ratings/assemble.ts";
import { detectLayout } from "../../../src/core/ratings/layout.ts";
import type { RatingsSegment } from "../../../src/core/ratings/segment.ts";

const memoryBytes = 2 * 1024 * 1024;
const layout = detectLayout(new TextEncoder().encode("1,1,1,1\n"), "ratings.csv");

function segmentText(number: number): string {
  const lines = Array.from({ length: 50 }, (_, i) => `${number % 7},${i % 11},${(i % 10) / 2},${number * 1000 + i}\n`);
  return `${lines.join("")}text ${number},alice,2.5,7\nbroken ${number}\n`;
}

/** Parses segments until `done` says so; gives the segments and how many were parsed on workers. */
async function parseAll(workers: number, done: (sent: number, onWorkers: number) => boolean) {
  const segments: RatingsSegment[] = [];
  const pool = new SegmentPool(layout, workers, (segment) => segments.push(segment));
  let memory = new ArrayBuffer(memoryBytes);
  let sent = 0;
  let onWorkers = 0;
  try {
    for (; !done(sent, onWorkers); sent++) {
      const bytes = new TextEncoder().encode(segmentText(sent));
      new Uint8Array(memory).set(bytes);
      const next = pool.parse(memory, bytes.length);
      if (next !== memory) onWorkers++;
      memory = next;
      expect(memory.byteLength).toBe(memoryBytes);
      if (sent % 3 === 0) await pause(1);
    }
    await pool.finish();
  } finally {
    await pool.close();
  }
  return { segments, onWorkers };
}

it("gives the same segments in the same order for any number of workers", async () => {
  const { segments: threaded, onWorkers } = await parseAll(2, (sent, taken) => taken >= 40 || sent > 30_000);
  expect(onWorkers).toBe(40);
  const { segments: alone } = await parseAll(0, (sent) => sent === threaded.length);
  expect(threaded).toEqual(alone);
  const assembler = new RatingsAssembler(1);
  for (const segment of threaded) assembler.add(segment);
  expect(assembler.rowsKept).toBe(51 * threaded.length);
  expect(assembler.rowsRejected).toBe(threaded.length);
});

it("passes on why a worker failed", async () => {
  const pool = new SegmentPool(layout, 1, () => {});
  const parse = async () => {
    const line = new Uint8Array(memoryBytes).fill(48);
    line[memoryBytes - 1] = 10;
    for (let attempt = 0; attempt < 1000; attempt++) {
      const good = new Uint8Array(memoryBytes);
      good.set(new TextEncoder().encode("1,2,3,4\n"));
      if (pool.parse(good.buffer, 8) !== good.buffer) {
        pool.parse(line.buffer, memoryBytes);
        return pool.finish();
      }
      await pause(5);
    }
  };
  await expect(parse()).rejects.toMatchObject({ code: "LINE_TOO_LONG" });
  await pool.close();
});
