/** What outcomes and reports must not depend on: how the model's trainer computed, and how fast the stream ran. */
import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import type { TrainedModel } from "../../src/ncf/model.ts";
import { trainingRuntime } from "../../src/ncf/wasm/runtime.ts";
import { PartitionEvaluator } from "../../src/streaming/partition-evaluator.ts";
import { historiesOf } from "../../src/streaming/sample-histories.ts";
import { TimeWindows } from "../../src/streaming/time-windows.ts";
import { VersionSchedule } from "../../src/streaming/version-schedule.ts";
import { recordOf } from "./fixtures.ts";
import { events, split, streamModelOf, trainedNetwork } from "./trained-model.ts";

const windows = TimeWindows.ofSizeAndGrace(30 * 86_400_000, 0);
const base = { id: "before", histories: historiesOf(split.before) };

/** All that the stream makes of the events, as text. */
function resultOf(network: TrainedModel): string {
  const options = { partition: 0, partitionCount: 1, windows, seed: 7, maxAheadMs: 0, base };
  const model = streamModelOf(network, split.before);
  const evaluator = new PartitionEvaluator(options, new VersionSchedule(model));
  events.forEach((event, offset) => {
    evaluator.fold(recordOf(offset, event, event.timestampMs));
  });
  const commit = evaluator.takeCommit(false);
  expect(commit.outcomes.length).toBeGreaterThan(400);
  return JSON.stringify(commit);
}

describe("outcomes and sums", () => {
  it("are the same however many threads trained the model, under either arithmetic of training", async () => {
    for (const simd of ["plain", "best"] as const) {
      const [one, two] = await Promise.all([1, 2].map((threads) => trainedNetwork(split.before, { simd, threads })));
      expect(resultOf(two)).toBe(resultOf(one));
    }
    const single = await trainedNetwork(split.before, { simd: "plain", sharedMemory: false });
    expect(resultOf(single)).toBe(resultOf(await trainedNetwork(split.before, { simd: "plain", threads: 2 })));
  });

  it("of one model are the same whichever arithmetic the trainer takes in this process", async () => {
    const network = await trainedNetwork(split.before, { simd: "plain" });
    await trainingRuntime({ simd: "plain" });
    const plain = resultOf(network);
    // On Node 20 this probe turns relaxed SIMD on for the whole process.
    await trainingRuntime({ simd: "best" });
    expect(resultOf(network)).toBe(plain);
  });

  it("come from a scorer that has no relaxed instruction, which machines may round differently", async () => {
    const relaxed = async (name: string): Promise<number> => {
      const bytes = await readFile(new URL(`../../src/ncf/wasm/${name}`, import.meta.url));
      // Relaxed SIMD is prefix 0xfd with opcodes 0x100 to 0x113, as variable-length integers.
      return bytes.filter((byte, i) => {
        return byte === 0xfd && bytes[i + 1] >= 0x80 && bytes[i + 1] <= 0x93 && bytes[i + 2] === 2;
      }).length;
    };
    expect(await relaxed("scoring.wasm")).toBe(0);
    expect(await relaxed("training-simd.wasm")).toBe(0);
    expect(await relaxed("training-relaxed.wasm")).toBeGreaterThan(10);
  });
});
