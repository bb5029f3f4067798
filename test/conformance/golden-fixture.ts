/** Reads test/fixtures/golden: cases that PyTorch trained once (made by scripts/golden-fixture.ts). */
import { readFileSync } from "node:fs";
import type { TrainingData } from "../../src/ncf/backend.ts";
import type { Batch } from "../../src/ncf/batches.ts";
import type { NcfConfig } from "../../src/ncf/config.ts";
import type { Tensor, TensorMap } from "../../src/ncf/parameters.ts";

/** As the sampler draws it; cases without a history leave the positives out. */
export type GoldenBatch = Omit<Batch, "positives"> & Partial<Pick<Batch, "positives">>;

export interface GoldenCase {
  readonly name: string;
  readonly config: NcfConfig;
  readonly data: TrainingData;
  readonly seed: number;
  /** The batches trained on, one a step; the last of an epoch is short. */
  readonly batches: readonly GoldenBatch[];
  /** sha256 of every step's packed dropout masks, layer by layer (see `packedDropoutMasks`). */
  readonly dropoutMasksSha256: string;
  /** Each step's mean loss, by PyTorch in float64 from the float32 initial values. */
  readonly losses: readonly number[];
  /** The same in float32: within 2e-6 of `losses`. */
  readonly lossesFloat32: readonly number[];
  /** Counts that the fixture's maker required, such as rows idle for over 100 steps. */
  readonly facts: Readonly<Record<string, unknown>>;
  readonly initial: TensorMap;
  /**
   * Tensors after the last step, which ends an epoch; float64 rounded to float32. A bias right before batch
   * normalization and the running mean behind it are left out, as their gradient is nothing but rounding.
   */
  readonly final: TensorMap;
}

interface StoredCase extends Pick<GoldenCase, "name" | "config" | "seed" | "dropoutMasksSha256" | "facts"> {
  readonly data: Pick<TrainingData, "users" | "items" | "userRowCount" | "itemRowCount">;
  readonly batchSizes: readonly number[];
  readonly losses: readonly number[];
  readonly lossesFloat32: readonly number[];
}

const folder = new URL("../fixtures/golden/", import.meta.url);

/** All cases, in the order in which they were made. */
export function goldenCases(): GoldenCase[] {
  const document = JSON.parse(readFileSync(new URL("cases.json", folder), "utf8")) as { cases: StoredCase[] };
  return document.cases.map(readCase);
}

/** The case of that name. */
export function goldenCase(name: string): GoldenCase {
  const found = goldenCases().find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`no golden case named ${name}`);
  return found;
}

function readCase({ data, batchSizes, ...stored }: StoredCase): GoldenCase {
  const file = readSafetensors(new URL(`${stored.name}.safetensors`, folder));
  const integers = (name: string): Int32Array => file.get(name)?.integers ?? missing(name);
  const floats = (prefix: string): Map<string, Tensor> => {
    const names = [...file.keys()].filter((name) => name.startsWith(prefix));
    return new Map(names.map((name) => [name.slice(prefix.length), file.get(name)?.tensor ?? missing(name)]));
  };
  let from = 0;
  const batches = batchSizes.map((size) => {
    const part = (name: string): Int32Array => integers(`batch.${name}`).subarray(from, from + size);
    const batch = {
      users: part("users"),
      items: part("items"),
      labels: Uint8Array.from(part("labels")),
      ...(stored.config.history ? { positives: part("positives") } : {}),
    };
    from += size;
    return batch;
  });
  return {
    ...stored,
    data: {
      ...data,
      offsets: Uint32Array.from(integers("data.offsets")),
      positives: integers("data.positives"),
      ...(stored.config.history ? { places: integers("data.places") } : {}),
      ...(stored.config.itemFeatures
        ? {
            itemFeatures: {
              offsets: Uint32Array.from(integers("data.itemFeatures.offsets")),
              features: integers("data.itemFeatures.features"),
              values: file.get("data.itemFeatures.values")?.tensor?.data ?? missing("data.itemFeatures.values"),
            },
          }
        : {}),
      userRows: integers("data.userRows"),
      itemRows: integers("data.itemRows"),
    },
    batches,
    initial: floats("initial."),
    final: floats("final."),
  };
}

interface StoredTensor {
  readonly tensor?: Tensor;
  readonly integers?: Int32Array;
}

/** A reader of its own (F32, I16 and U8), so that a fault in the project's codec cannot hide in the oracle. */
function readSafetensors(url: URL): Map<string, StoredTensor> {
  const bytes = new Uint8Array(readFileSync(url));
  const headerLength = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + headerLength))) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  const tensors = new Map<string, StoredTensor>();
  for (const [name, { dtype, shape, data_offsets }] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const { buffer } = bytes.slice(8 + headerLength + data_offsets[0], 8 + headerLength + data_offsets[1]);
    if (dtype === "F32") tensors.set(name, { tensor: { shape, data: new Float32Array(buffer) } });
    else if (dtype === "I16") tensors.set(name, { integers: Int32Array.from(new Int16Array(buffer)) });
    else if (dtype === "U8") tensors.set(name, { integers: Int32Array.from(new Uint8Array(buffer)) });
    else throw new Error(`${url.pathname}: ${name} has type ${dtype}, expected F32, I16 or U8`);
  }
  return tensors;
}

function missing(name: string): never {
  throw new Error(`the golden fixture lacks ${name}`);
}
