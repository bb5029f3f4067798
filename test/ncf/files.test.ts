import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NcfError } from "../../src/core/errors.ts";
import { decodeSafetensors, encodeSafetensors } from "../../src/core/safetensors.ts";
import {
  type Checkpoint,
  decodeCheckpoint,
  decodeModel,
  encodeCheckpoint,
  encodeModel,
  type RunIdentity,
} from "../../src/ncf/checkpoint.ts";
import { presets } from "../../src/ncf/config.ts";

const tensors = new Map([
  ["a.weight", { shape: [2, 3], data: Float32Array.of(1, -2, 3.5, Number.MIN_VALUE, 1e-40, 7) }],
  ["b", { shape: [1], data: Float32Array.of(0.25) }],
]);
const identity: RunIdentity = {
  config: presets.paper,
  seed: 1,
  backend: "wasm",
  arithmetic: "wasm simd",
  sample: "s",
  data: "d",
  patience: null,
};
const checkpoint: Checkpoint = {
  identity,
  state: { step: 12, tensors },
  history: { curve: [{ step: 3, loss: 0.5 }], pending: { sum: 1, count: 2 }, validation: [0.25], seconds: 4 },
  best: new Map([["a.weight", { shape: [1], data: Float32Array.of(9) }]]),
  average: new Map([["a.weight", { shape: [1], data: Float32Array.of(8) }]]),
};
const file = encodeCheckpoint(checkpoint);
const codeOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof NcfError) return error.code;
    throw error;
  }
  return "none";
};

describe("safetensors", () => {
  it("gives back names, shapes, bits and metadata", () => {
    const bytes = encodeSafetensors({ metadata: { kind: "test" }, tensors });
    const read = decodeSafetensors(bytes, "file");
    expect(read.metadata.kind).toBe("test");
    expect([...read.tensors]).toEqual([...tensors]);
  });

  it("reads bytes that lie anywhere within a Buffer", () => {
    const bytes = encodeSafetensors({ metadata: {}, tensors });
    const within = Buffer.concat([Buffer.from("abc"), bytes, Buffer.from("d")]).subarray(3, -1);
    expect([...decodeSafetensors(within, "file").tensors]).toEqual([...tensors]);
  });

  it("aligns the data as the format asks", () => {
    const bytes = encodeSafetensors({ metadata: {}, tensors });
    expect(Number(new DataView(bytes.buffer).getBigUint64(0, true)) % 8).toBe(0);
  });

  it("refuses every cut and every flipped byte", () => {
    fc.assert(
      fc.property(fc.nat(file.length - 1), fc.boolean(), fc.integer({ min: 1, max: 255 }), (at, cut, flip) => {
        const bytes = cut ? file.slice(0, at) : file.slice();
        if (!cut) bytes[at] ^= flip;
        const code = codeOf(() => decodeCheckpoint(bytes, "checkpoint", identity));
        expect(["FILE_DAMAGED", "FILE_FOREIGN"]).toContain(code);
      }),
      { numRuns: 300 },
    );
  });

  it("refuses random bytes and other people's files", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(["FILE_DAMAGED", "FILE_FOREIGN"]).toContain(codeOf(() => decodeSafetensors(bytes, "file")));
      }),
    );
  });
});

describe("checkpoints", () => {
  it("come back whole", () => {
    expect(decodeCheckpoint(file, "checkpoint", identity)).toEqual(checkpoint);
  });

  it.each([
    ["seed", { seed: 2 }],
    ["arithmetic", { arithmetic: "wasm relaxed fma" }],
    ["data", { data: "other" }],
    ["sample", { sample: "other" }],
    ["config", { config: presets.neumf }],
    ["backend", { backend: "reference" }],
    ["patience", { patience: 3 }],
  ])("are refused under another %s, which the message names", (field, change) => {
    const other = { ...identity, ...change } as RunIdentity;
    expect(codeOf(() => decodeCheckpoint(file, "checkpoint", other))).toBe("CHECKPOINT_MISMATCH");
    expect(() => decodeCheckpoint(file, "checkpoint", other)).toThrow(new RegExp(field));
  });

  it("of a future version are refused with both versions", () => {
    const { metadata, tensors: stored } = decodeSafetensors(file, "checkpoint");
    const future = encodeSafetensors({ metadata: { ...metadata, formatVersion: "7" }, tensors: stored });
    expect(() => decodeCheckpoint(future, "checkpoint", identity)).toThrow(/version 1, found version 7/);
  });

  it("are not taken for models, nor models for checkpoints", () => {
    expect(codeOf(() => decodeModel(file, "model"))).toBe("FILE_FOREIGN");
    const model = encodeModel({
      description: {
        name: "m",
        config: presets.mf,
        seed: 1,
        backend: "b",
        arithmetic: "a",
        epochs: 1,
        sample: "s",
        data: "d",
      },
      tensors,
      userIds: Float64Array.of(1, 2 ** 53 - 1),
      itemIds: Float64Array.of(5),
    });
    expect(codeOf(() => decodeCheckpoint(model, "checkpoint", identity))).toBe("FILE_FOREIGN");
    expect([...decodeModel(model, "model").userIds]).toEqual([1, 2 ** 53 - 1]);
  });
});
