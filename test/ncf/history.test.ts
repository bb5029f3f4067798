import { describe, expect, it } from "vitest";
import { CandidateSampler } from "../../src/core/candidates.ts";
import { rankTestItems, summarize, testedUsers } from "../../src/core/evaluation.ts";
import { leaveOneOut } from "../../src/core/leave-one-out.ts";
import { Rng, streamKey } from "../../src/core/rng.ts";
import type { Sample } from "../../src/core/sample.ts";
import { interactionsBefore } from "../../src/core/temporal-split.ts";
import type { NumericBackend } from "../../src/ncf/backend.ts";
import { checkConfig, type HistoryConfig, type NcfConfig, presets } from "../../src/ncf/config.ts";
import { fineTune } from "../../src/ncf/fine-tune.ts";
import { createFoldIn } from "../../src/ncf/fold-in.ts";
import { type TrainedModel, trainingData } from "../../src/ncf/model.ts";
import { referenceBackend } from "../../src/ncf/reference/backend.ts";
import { historyForward } from "../../src/ncf/reference/history.ts";
import { ReferenceScorer } from "../../src/ncf/reference/scorer.ts";
import { wasmBackend } from "../../src/ncf/wasm/backend.ts";
import { dataOf } from "../../src/ncf/wasm/folding.ts";
import { createScorer } from "../../src/ncf/wasm/scorer.ts";
import { sameBytes } from "../conformance/numeric-backend.ts";
import { checkerboard } from "../core/checkerboard.ts";
import { ratingTable } from "../core/rating-table.ts";
import { ratings, split } from "../streaming/trained-model.ts";

const mean: HistoryConfig = { weights: "mean", window: 40, alpha: 0.5, ownRow: false };
const recency: HistoryConfig = { weights: "recency", window: 10, alpha: 1, ownRow: false };
const neumf = (history: HistoryConfig): NcfConfig => ({ ...presets.neumf, history });
const mf = (history: HistoryConfig): NcfConfig => ({ ...presets.mf, history });

async function trained(config: NcfConfig, sample: Sample, epochs = config.epochs): Promise<TrainedModel> {
  const data = trainingData(config, sample);
  const session = await wasmBackend().open(config, data, { seed: 5, threads: 2 });
  for (let epoch = 0; epoch < epochs; epoch++) await session.run(session.stepsPerEpoch);
  const tensors = session.model();
  await session.close();
  return { name: "of histories", config, tensors, userRows: data.userRows, itemRows: data.itemRows };
}

/** Against 99 unseen items. */
function quality(model: TrainedModel, sample: Sample): { hrAt10: number; ndcgAt10: number } {
  const sampler = new CandidateSampler(sample, { seed: 1, negatives: 99, withReplacement: false });
  return summarize(rankTestItems(createScorer(model), testedUsers(sample), (user) => sampler.of(user)));
}

const historyOf = ({ train: { offsets, items } }: Sample, user: number): Int32Array =>
  items.subarray(offsets[user], offsets[user + 1]);

/** Users go from colour to colour, five items each, and are left before the fifth of the last: only the newest items tell what is next. */
function moods(users: number): Sample {
  const [colours, perColour] = [24, 10];
  const rng = new Rng(streamKey(1, 0));
  const rows: [number, number, number][] = [];
  for (let user = 0; user < users; user++) {
    const chosen = new Set<number>();
    while (chosen.size < 6) chosen.add(rng.below(colours));
    for (const colour of chosen) {
      const from = rng.below(perColour);
      for (let i = 0; i < 5; i++)
        rows.push([user, colour * perColour + ((from + 3 * i) % perColour), rows.length * 1000]);
    }
  }
  const everyone = new Uint8Array(users).fill(1);
  return leaveOneOut(ratingTable(rows), everyone, { tieRule: "firstInFile", seed: 1, listedItemIds: null }).sample;
}

describe("histories", () => {
  const board = checkerboard(25, 48, 12);

  it.each(["mean", "recency"] as const)("learn a checkerboard without a row for any user: %s", async (weights) => {
    const model = await trained(neumf({ ...recency, weights }), board);
    expect([...model.tensors.keys()].filter((name) => name.includes("own"))).toEqual([]);
    expect(quality(model, board).hrAt10).toBeGreaterThanOrEqual(0.95);
  });

  it("tell by recency what comes next where only the order does, and fade fast then", async () => {
    const sample = moods(400);
    const byRecency = await trained({ ...mf({ ...recency, window: 40 }), learningRate: 0.01 }, sample, 12);
    const byMean = await trained({ ...mf(mean), learningRate: 0.01 }, sample, 12);
    expect(quality(byRecency, sample).ndcgAt10).toBeGreaterThan(0.9);
    expect(quality(byRecency, sample).ndcgAt10).toBeGreaterThan(quality(byMean, sample).ndcgAt10 + 0.1);
    expect(dataOf(byRecency.tensors, "gmf_history_decay")[0]).toBeGreaterThan(0);
  });

  it("give a trained user the vector that their history gives to a stranger", async () => {
    for (const history of [mean, recency]) {
      const model = await trained(neumf(history), board, 1);
      const foldIn = createFoldIn(model);
      for (const user of [0, 7, 1199]) {
        const { mlp, gmf } = foldIn.row(historyOf(board, user));
        const row = model.userRows[user];
        expect(mlp).toEqual(dataOf(model.tensors, "user_embedding.weight").slice(row * 16, (row + 1) * 16));
        expect(gmf).toEqual(dataOf(model.tensors, "gmf_user_embedding.weight").slice(row * 16, (row + 1) * 16));
      }
    }
  });

  it("give the vectors of the network that is trained", async () => {
    for (const history of [mean, { ...mean, alpha: 1 }, recency, { ...recency, alpha: 0 }]) {
      const model = await trained(mf(history), board, 1);
      const items = historyOf(board, 3);
      const newest = items.toReversed().slice(0, history.window);
      const expected = historyForward(history, [newest], model.tensors, "gmf_", 64).data;
      const { gmf } = createFoldIn(model).row(items);
      gmf.forEach((value, k) => {
        expect(value).toBeCloseTo(expected[k], 6);
      });
    }
  });

  it("score alike in the fast and in the readable scorer", async () => {
    const model = await trained(neumf({ ...recency, ownRow: true }), board, 2);
    const items = Int32Array.from(model.itemRows.keys());
    const [fast, readable] = [new Float64Array(items.length), new Float64Array(items.length)];
    createScorer(model).score(11, items, fast);
    new ReferenceScorer(model).score(11, items, readable);
    fast.forEach((score, item) => {
      expect(Math.abs(score - readable[item])).toBeLessThan(1e-5 * Math.max(1, Math.abs(score)));
    });
  });

  it("count in their order by recency, and in any order by the mean, up to the window", async () => {
    const [ordered, unordered] = [await trained(mf(recency), board, 1), await trained(mf(mean), board, 1)];
    const items = Int32Array.from({ length: 10 }, (_, i) => 3 * i);
    const row = (model: TrainedModel, history: Int32Array) => createFoldIn(model).row(history).gmf;
    expect(row(ordered, items)).not.toEqual(row(ordered, items.toReversed()));
    row(unordered, items).forEach((value, k) => {
      expect(value).toBeCloseTo(row(unordered, items.toReversed())[k], 6);
    });
    expect(row(ordered, Int32Array.of(77, 78, ...items))).toEqual(row(ordered, items));
  });

  it("stand beside the row of one's own as they grow", async () => {
    const model = await trained(mf({ ...recency, ownRow: true }), board, 2);
    const foldIn = createFoldIn(model);
    const own = dataOf(model.tensors, "gmf_own_user_embedding.weight");
    const [known, grown] = [historyOf(board, 5), Int32Array.of(...historyOf(board, 5), 3)];
    const row = model.userRows[5] * 64;
    expect(foldIn.row(known, 5).gmf).toEqual(dataOf(model.tensors, "gmf_user_embedding.weight").slice(row, row + 64));
    const [mine, stranger, nobody] = [foldIn.row(grown, 5), foldIn.row(grown), foldIn.row(new Int32Array(0))];
    mine.gmf.forEach((value, k) => {
      expect(value - stranger.gmf[k]).toBeCloseTo(own[row + k] - nobody.gmf[k], 5);
    });
  });

  it("that are empty give zeros, or the mean of the rows of one's own", async () => {
    const none = new Int32Array(0);
    const without = await trained(mf(mean), board, 1);
    expect(
      createFoldIn(without)
        .row(none)
        .gmf.every((value) => value === 0),
    ).toBe(true);
    const model = await trained(mf({ ...mean, ownRow: true }), board, 1);
    const own = dataOf(model.tensors, "gmf_own_user_embedding.weight");
    createFoldIn(model)
      .row(none)
      .gmf.forEach((value, k) => {
        const sum = model.userRows.reduce((total, row) => total + own[row * 64 + k], 0);
        expect(value).toBeCloseTo(sum / model.userRows.length, 6);
      });
  });
});

describe("fine-tuning a model of histories", () => {
  const { before } = split;
  const sample = interactionsBefore(ratings, Number.POSITIVE_INFINITY);
  const attributes = Array.from(sample.itemIds, () => []);
  const backends: Record<string, NumericBackend> = { reference: referenceBackend, wasm: wasmBackend() };
  const tune = (backend: NumericBackend, base: TrainedModel, threads: number) =>
    fineTune(
      { backend, monotonicMs: () => 0 },
      { base, before, sample, attributes, epochs: 1, olderPerNew: 1, seed: 7, threads },
    );

  it.each([true, false])("takes new users and items in (own rows: %s)", async (ownRow) => {
    const base = await trained(neumf({ ...recency, ownRow }), before, 1);
    const [one, two] = [await tune(backends.wasm, base, 1), await tune(backends.wasm, base, 2)];
    expect(sameBytes(one.model.tensors, two.model.tensors)).toBe(true);
    const readable = await tune(backends.reference, base, 1);
    for (const [name, { data }] of readable.model.tensors) {
      const found = dataOf(one.model.tensors, name);
      expect(found.length, name).toBe(data.length);
      data.forEach((value, i) => {
        if (Math.abs(found[i] - value) > 1e-4) expect(found[i], name).toBe(value);
      });
    }
    const users = one.model.tensors.get("user_embedding.weight");
    expect(users?.shape).toEqual([sample.userIds.length, 16]);
  });
});

describe("a history's configuration", () => {
  it.each<[Partial<HistoryConfig>, string]>([
    [{ window: 0 }, "history.window"],
    [{ window: 1e9 }, "history.window"],
    [{ alpha: 1.5 }, "history.alpha"],
    [{ weights: "newest" as "mean" }, "history.weights"],
    [{ ownRow: 1 as unknown as boolean }, "history.ownRow"],
  ])("is refused where it makes no sense: %j", (change, field) => {
    expect(() => checkConfig(neumf({ ...mean, ...change }))).toThrow(field);
  });
});
