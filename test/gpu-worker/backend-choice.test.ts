import { describe, expect, it } from "vitest";
import { type BackendWish, chooseBackend, gpuBatchSize } from "../../gpu-worker/backend-choice.ts";
import { loadTensorFlow } from "../../gpu-worker/tfjs/load-tensorflow.ts";
import type { TensorFlow } from "../../gpu-worker/tfjs/tensorflow.ts";
import { describeWithTensorFlow } from "./tensorflow.ts";

async function choose(wish: BackendWish, gpu: string | null, load: () => TensorFlow) {
  const log: string[] = [];
  const choice = await chooseBackend(wish, {
    askGpu: async () => gpu,
    loadTensorFlow: load,
    log: (line) => log.push(line),
  });
  return { ...choice, log };
}

const noTensorFlow = () => loadTensorFlow("/nowhere");
const t4 = "Tesla T4, 535.104.05, 15360 MiB";

describe("the choice of a backend", () => {
  it("takes wasm without looking where that is asked for", async () => {
    const { backendFor, log } = await choose("wasm", t4, noTensorFlow);
    expect(backendFor({ batchSize: 65_536 }).name).toBe("wasm");
    expect(log).toEqual(["backend: wasm, as asked for"]);
  });

  it("falls back to wasm with a warning where there is no GPU, or no TensorFlow.js", async () => {
    const without = await choose("auto", null, noTensorFlow);
    expect(without.backendFor({ batchSize: 65_536 }).name).toBe("wasm");
    expect(without.log.at(-1)).toContain("warning: no GPU");
    const unusable = await choose("auto", t4, noTensorFlow);
    expect(unusable.backendFor({ batchSize: 65_536 }).name).toBe("wasm");
    expect(unusable.log).toContainEqual(`GPU: ${t4}`);
    expect(unusable.log.at(-1)).toMatch(/warning: there is a GPU, but no TensorFlow.js.*Cannot find module/);
  });

  it("fails where tfjs itself is asked for and cannot be had", async () => {
    await expect(choose("tfjs", null, noTensorFlow)).rejects.toMatchObject({ code: "TENSORFLOW_UNAVAILABLE" });
  });
});

describeWithTensorFlow("the choice of a backend, with TensorFlow.js", (tf) => {
  it("says what it found, and takes tfjs where that is asked for", async () => {
    const { backendFor, log } = await choose("tfjs", null, () => tf);
    expect(backendFor({ batchSize: 512 }).name).toBe("tfjs");
    expect(log.join("\n")).toMatch(/TensorFlow.js 4\.22\.0, libtensorflow \d+\.\d+\.\d+, computing on the CPU/);
    expect(log.at(-1)).toContain("warning: TensorFlow.js uses no GPU");
  });

  it("falls back to wasm where TensorFlow.js cannot use the GPU", async () => {
    const { backendFor, log } = await choose("auto", t4, () => tf);
    expect(backendFor({ batchSize: 65_536 }).name).toBe("wasm");
    expect(log.at(-1)).toContain("warning: TensorFlow.js does not use the GPU");
  });

  it("takes the GPU for large batches only", async () => {
    // This machine has no GPU: what TensorFlow.js says of it is put on top.
    const onGpu = Object.create(tf, { backend: { value: () => ({ isUsingGpuDevice: true }) } }) as TensorFlow;
    const { backendFor } = await choose("auto", t4, () => onGpu);
    expect(backendFor({ batchSize: gpuBatchSize }).name).toBe("tfjs");
    expect(backendFor({ batchSize: 512 }).name).toBe("wasm");
  });
});
