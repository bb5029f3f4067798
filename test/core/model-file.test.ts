import { expect, it } from "vitest";
import { decodeModelFrame, encodeModelFrame, type ModelFrame } from "../../src/core/model-file.ts";
import { decodeSafetensors, encodeSafetensors } from "../../src/core/safetensors.ts";

const frame: ModelFrame = {
  kind: "some-model",
  description: { name: "m", settings: { weight: 0.5, window: null } },
  tensors: new Map([
    ["values", { shape: [2], data: Float64Array.of(1.5, -2) }],
    ["places", { shape: [1, 3], data: Int32Array.of(7, 8, 9) }],
  ]),
  userIds: Float64Array.of(1, 2 ** 53 - 1),
  itemIds: Float64Array.of(5, 6, 7),
};

/** The file with other metadata, or without some tensors. */
function altered(metadata: Record<string, string>, without: readonly string[] = []): Uint8Array {
  const file = decodeSafetensors(encodeModelFrame(frame), "m");
  const tensors = new Map([...file.tensors].filter(([name]) => !without.includes(name)));
  return encodeSafetensors({ metadata: { ...file.metadata, ...metadata }, tensors });
}

it("a model's file gives back kind, description, tensors and ids; equal models are equal bytes", () => {
  const bytes = encodeModelFrame(frame);
  expect(decodeModelFrame(bytes.slice(), "m")).toEqual(frame);
  expect(encodeModelFrame(decodeModelFrame(bytes.slice(), "m"))).toEqual(bytes);
});

it.each([
  ["FILE_VERSION", /some-model version 1, found version 7/, altered({ formatVersion: "7" })],
  ["FILE_FOREIGN", /expected JSON in its metadata/, altered({ description: "m" })],
  ["FILE_FOREIGN", /no tensor item_ids/, altered({}, ["item_ids"])],
  ["FILE_FOREIGN", /no model's metadata/, encodeSafetensors({ metadata: { kind: "checkpoint" }, tensors: new Map() })],
])("a file that is no such model is refused: %s %s", (code, message, bytes) => {
  const reading = () => decodeModelFrame(bytes, "m");
  expect(reading).toThrow(message);
  expect(reading).toThrow(expect.objectContaining({ code }));
});
