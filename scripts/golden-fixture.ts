/**
 * Makes test/fixtures/golden: what PyTorch computes from our batches, dropout masks and initial values.
 *
 * usage: PYTHON=python3 npx tsx scripts/golden-fixture.ts [CASE…] && npx biome check --write test/fixtures
 * (a Python with torch, numpy and safetensors; with names, these cases are made, and the others stay as they are)
 *
 * This half draws everything random with the project's own code; golden-fixture.py trains on it and shares no code.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Rng, streamKey } from "../src/core/rng.ts";
import type { TrainingData } from "../src/ncf/backend.ts";
import { BatchSampler } from "../src/ncf/batches.ts";
import { checkConfig, type NcfConfig } from "../src/ncf/config.ts";
import type { ItemFeatures } from "../src/ncf/item-features.ts";
import { initialTensors, parameterTable } from "../src/ncf/parameters.ts";
import { packedDropoutMasks } from "../test/conformance/dropout-masks.ts";

interface CaseInput {
  readonly name: string;
  readonly config: NcfConfig;
  readonly seed: number;
  readonly steps: number;
  readonly data: TrainingData;
}

const training = {
  learningRate: 1e-3,
  adamBetas: [0.9, 0.999],
  adamEpsilon: 1e-8,
  batchSize: 128,
  epochs: 2,
  negatives: 4,
  negativeDraw: "eachEpoch",
  ids: "compact",
} as const;
const paperMlp = {
  embeddingSize: 8,
  embeddingStd: 1,
  hidden: [128, 64, 32, 16],
  batchNorm: "afterRelu",
  dropout: 0.2,
  regularizedLayers: 3,
} as const;

/** Every case ends with an epoch, when rows are up to date. 245 positives make 1,225 samples: 9 batches of 128 and one of 73. */
const cases: readonly CaseInput[] = [
  {
    name: "paper",
    config: { ...training, mlp: paperMlp, gmf: null, output: "dense", itemBias: false },
    seed: 5,
    steps: 20,
    data: trainingData({ users: 60, items: 90, positives: 245, stride: 1, activeUsers: 60 }),
  },
  {
    name: "neumf",
    config: {
      ...training,
      mlp: {
        embeddingSize: 16,
        embeddingStd: 0.1,
        hidden: [64, 32, 16],
        batchNorm: "none",
        dropout: 0,
        regularizedLayers: 0,
      },
      gmf: { embeddingSize: 16, embeddingStd: 0.1 },
      output: "dense",
      itemBias: true,
    },
    seed: 2,
    steps: 20,
    data: trainingData({ users: 60, items: 90, positives: 245, stride: 1, activeUsers: 60 }),
  },
  {
    name: "mf",
    config: { ...training, mlp: null, gmf: { embeddingSize: 32, embeddingStd: 0.1 }, output: "sum", itemBias: true },
    seed: 3,
    steps: 20,
    data: trainingData({ users: 60, items: 90, positives: 245, stride: 1, activeUsers: 60 }),
  },
  {
    name: "norm-before-relu",
    config: {
      ...training,
      mlp: {
        embeddingSize: 4,
        embeddingStd: 1,
        hidden: [32, 16, 8],
        batchNorm: "beforeRelu",
        dropout: 0.5,
        regularizedLayers: 2,
      },
      gmf: null,
      output: "dense",
      itemBias: false,
      negativeDraw: "once",
    },
    seed: 2 ** 40 + 4,
    steps: 20,
    data: trainingData({ users: 60, items: 90, positives: 245, stride: 1, activeUsers: 60 }),
  },
  {
    // One epoch of 150 batches, so that nothing is brought up to date before step 150: many rows stay idle for over
    // 100 steps, and the narrow, almost zero GMF pair keeps its gradients below 1e-6.
    name: "idle-rows",
    config: {
      ...training,
      mlp: { ...paperMlp, hidden: [64, 32, 16], regularizedLayers: 2 },
      gmf: { embeddingSize: 4, embeddingStd: 1e-5 },
      output: "dense",
      itemBias: false,
      ids: "raw",
      batchSize: 64,
      negatives: 1,
      learningRate: 3e-4,
      epochs: 1,
    },
    seed: 4,
    steps: 150,
    data: trainingData({ users: 500, items: 600, positives: 4790, stride: 2, activeUsers: 60 }),
  },
  {
    name: "history-mean",
    config: {
      ...training,
      mlp: null,
      gmf: { embeddingSize: 16, embeddingStd: 0.1 },
      history: { weights: "mean", window: 8, alpha: 0.5, ownRow: true },
      output: "sum",
      itemBias: true,
    },
    seed: 6,
    steps: 20,
    data: trainingData({ users: 60, items: 90, positives: 245, stride: 2, activeUsers: 60 }),
  },
  {
    name: "history-recency",
    config: {
      ...training,
      mlp: {
        embeddingSize: 8,
        embeddingStd: 0.5,
        hidden: [32, 16],
        batchNorm: "none",
        dropout: 0,
        regularizedLayers: 0,
      },
      gmf: { embeddingSize: 20, embeddingStd: 0.2 },
      history: { weights: "recency", window: 12, alpha: 0.8, ownRow: false },
      output: "dense",
      itemBias: true,
      learningRate: 5e-3,
    },
    seed: 7,
    steps: 20,
    data: trainingData({ users: 60, items: 90, positives: 245, stride: 1, activeUsers: 60 }),
  },
  {
    name: "item-features",
    config: {
      ...training,
      mlp: {
        embeddingSize: 12,
        embeddingStd: 0.5,
        hidden: [16, 8],
        batchNorm: "none",
        dropout: 0,
        regularizedLayers: 0,
      },
      gmf: { embeddingSize: 20, embeddingStd: 0.2 },
      itemFeatures: { from: "attributes", names: ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"] },
      output: "dense",
      itemBias: true,
    },
    seed: 8,
    steps: 20,
    data: {
      ...trainingData({ users: 60, items: 90, positives: 245, stride: 2, activeUsers: 60 }),
      itemFeatures: itemFeatures(90, 11),
    },
  },
];

/** None to five features an item, with values of both signs; the last feature is rare. */
function itemFeatures(items: number, count: number): ItemFeatures {
  const rng = new Rng(streamKey(items, 1));
  const lists = Array.from({ length: items }, (_, item) => {
    const own = new Set<number>();
    for (let i = rng.below(6); i > 0; i--) own.add(rng.below(count - 1));
    if (item % 40 === 3) own.add(count - 1);
    return [...own].sort((a, b) => a - b);
  });
  const offsets = new Uint32Array(items + 1);
  lists.forEach((own, item) => {
    offsets[item + 1] = offsets[item] + own.length;
  });
  const features = Int32Array.from(lists.flat());
  return { offsets, features, values: Float32Array.from(features, () => 2 * rng.unit() - 1) };
}

/**
 * One positive for each user, and all others for the first `activeUsers`, most for user 0. The embedding row of index i
 * is stride · (i + 1) − 1.
 */
function trainingData(shape: {
  users: number;
  items: number;
  positives: number;
  stride: number;
  activeUsers: number;
}): TrainingData {
  const { users, items, positives, stride, activeUsers } = shape;
  const rng = new Rng(streamKey(users, 0));
  const histories = Array.from({ length: users }, () => new Set<number>());
  for (let drawn = 0; drawn < positives; ) {
    const user = drawn < users ? drawn : Math.floor(activeUsers * rng.unit() ** 2);
    const item = Math.floor(items * rng.unit() ** 2);
    if (histories[user].has(item)) continue;
    histories[user].add(item);
    drawn++;
  }
  const offsets = new Uint32Array(users + 1);
  histories.forEach((history, user) => {
    offsets[user + 1] = offsets[user] + history.size;
  });
  const ascending = histories.map((history) => [...history].sort((a, b) => a - b));
  return {
    users,
    items,
    offsets,
    positives: Int32Array.from(ascending.flat()),
    // Drawn in the order of time.
    places: Int32Array.from(
      ascending.flatMap((items, user) => items.map((item) => [...histories[user]].indexOf(item))),
    ),
    userRows: Int32Array.from({ length: users }, (_, i) => stride * (i + 1) - 1),
    itemRows: Int32Array.from({ length: items }, (_, i) => stride * (i + 1) - 1),
    userRowCount: stride * users,
    itemRowCount: stride * items,
  };
}

/** Everything that PyTorch needs, as JSON: float32 values survive it exactly. */
function caseJson({ name, config, seed, steps, data }: CaseInput): string {
  checkConfig(config);
  const sampler = new BatchSampler(config, data, seed);
  if (steps % sampler.stepsPerEpoch !== 0)
    throw new Error(`${name}: ${steps} steps, ${sampler.stepsPerEpoch} an epoch`);
  const batches = Array.from({ length: steps }, (_, step) => sampler.at(step));
  const table = parameterTable(config, data.userRowCount, data.itemRowCount);
  const initial = [...initialTensors(table, seed)].map(([tensorName, { shape, data: values }], i) => {
    return { name: tensorName, shape, trained: table[i].kind !== "statistic", values: [...values] };
  });
  const masks = batches.map((batch, step) =>
    packedDropoutMasks(config, seed, step, batch.users.length).map((mask) => Buffer.from(mask).toString("base64")),
  );
  return JSON.stringify({ name, config, seed, steps, data, batches, initial, masks }, (_, value) =>
    ArrayBuffer.isView(value) ? [...(value as unknown as Iterable<number>)] : value,
  );
}

const folder = mkdtempSync(join(tmpdir(), "golden-"));
try {
  const wanted = process.argv.slice(2);
  const chosen = cases.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
  const inputs = chosen.map((input) => {
    const path = join(folder, `${input.name}.json`);
    writeFileSync(path, caseJson(input));
    return path;
  });
  const script = fileURLToPath(new URL("golden-fixture.py", import.meta.url));
  const target = fileURLToPath(new URL("../test/fixtures/golden", import.meta.url));
  execFileSync(process.env.PYTHON ?? "python3", [script, target, ...inputs], { stdio: "inherit" });
} finally {
  rmSync(folder, { recursive: true });
}
