/** What every kind of baseline must do. */
import { describe, expect, it } from "vitest";
import type { Baseline, BaselineKind, BaselineSettings, FitInput } from "../../src/baselines/baseline.ts";
import { decodeSafetensors, encodeSafetensors } from "../../src/core/safetensors.ts";
import type { Sample } from "../../src/core/sample.ts";
import { checkerboard } from "../core/checkerboard.ts";
import { sampleOfHistories } from "../core/sample-of-histories.ts";

const colours = 3;
const itemsPerColour = 8;
/** Listed in the catalogue, of the colours in turn; nobody has taken them. */
const neverTaken = 3;

/** Users take what has their colour, and a few things beside it; some items are taken by nobody. */
function board(): FitInput {
  const histories = Array.from({ length: 30 }, (_, user) => {
    const own = Array.from(
      { length: itemsPerColour },
      (_, n) => ((n + user) % itemsPerColour) * colours + (user % colours),
    );
    return user % 5 === 0 ? [...own.slice(0, 6), (user + 1) % (colours * itemsPerColour)] : own.slice(0, 7);
  });
  const items = colours * itemsPerColour + neverTaken;
  const attributes = Array.from({ length: items }, (_, item) => [`colour ${item % colours}`, `shape ${item % 4}`]);
  return {
    sample: sampleOfHistories(
      histories.map((history) => [...new Set(history)]),
      items,
    ),
    attributes,
  };
}

function historyOf({ train }: Sample, user: number): Int32Array {
  return train.items.slice(train.offsets[user], train.offsets[user + 1]);
}

/** The scores of all items. */
function scored(model: Baseline, history: Iterable<number>, { sample }: FitInput): Float64Array {
  const scores = new Float64Array(sample.itemIds.length).fill(Number.NaN);
  model.scoreHistory(Int32Array.from(history), Int32Array.from(sample.itemIds.keys()), scores);
  return scores;
}

/** @param isPersonal whether a user's history counts at all */
export function testBaseline(kind: BaselineKind, { isPersonal }: { isPersonal: boolean }): void {
  const settings = kind.defaults;
  const input = board();
  const { sample } = input;
  const users = Array.from(sample.userIds.keys());
  const histories = [...users.map((user) => historyOf(sample, user)), [], [0], [25], [3, 25, 4], [26, 25, 24]];

  describe(`${kind.name}: baseline`, () => {
    it("gives the scores of the model that was saved, bit for bit, after it is loaded", async () => {
      const model = await kind.fit(input, settings);
      const bytes = encodeSafetensors({ metadata: {}, tensors: model.tensors });
      const { tensors } = decodeSafetensors(bytes, "model");
      const loaded = kind.load(JSON.parse(JSON.stringify(model.settings)), tensors);
      for (const history of histories) expect(scored(loaded, history, input)).toEqual(scored(model, history, input));
      expect(encodeSafetensors({ metadata: {}, tensors: loaded.tensors })).toEqual(bytes);
      expect(loaded.settings).toEqual(model.settings);
      expect([model.name, loaded.name]).toEqual([kind.name, kind.name]);
    });

    it("is the same for the same data, byte for byte", async () => {
      const [first, second] = [await kind.fit(input, settings), await kind.fit(board(), settings)];
      const bytes = (model: Baseline): Uint8Array => encodeSafetensors({ metadata: {}, tensors: model.tensors });
      expect(bytes(second)).toEqual(bytes(first));
    });

    it("gives a number to every item for every history: empty, of one item, of items that nobody took", async () => {
      const model = await kind.fit(input, settings);
      for (const history of histories) {
        for (const score of scored(model, history, input)) expect(score).toSatisfy(Number.isFinite);
      }
    });

    it("scores an item alike in any company and order, and after any other request", async () => {
      const model = await kind.fit(input, settings);
      const history = historyOf(sample, 7);
      const all = scored(model, history, input);
      const items = Int32Array.from(sample.itemIds.keys()).reverse();
      for (const other of histories) {
        scored(model, other, input);
        const scores = new Float64Array(items.length);
        model.scoreHistory(history, items, scores);
        expect(scores).toEqual(all.slice().reverse());
      }
      for (const item of items) {
        const score = new Float64Array(1);
        model.scoreHistory(history, Int32Array.of(item), score);
        expect(score[0]).toBe(all[item]);
      }
    });

    it("writes the scores of the items asked for, and leaves all else as it was", async () => {
      const before = board();
      const model = await kind.fit(input, settings);
      const history = historyOf(sample, 4);
      const items = Int32Array.of(5, 1);
      const scores = new Float64Array(4).fill(7);
      model.scoreHistory(history, items, scores);
      expect(scores.subarray(2)).toEqual(Float64Array.of(7, 7));
      expect([history, items]).toEqual([historyOf(sample, 4), Int32Array.of(5, 1)]);
      expect(input).toEqual(before);
    });

    it("refuses settings that it does not have, and values that it cannot use, by name", async () => {
      const refusal = (wrong: BaselineSettings): Promise<string> =>
        kind.fit(input, { ...settings, ...wrong }).then(
          () => "none",
          (error) => `${error.code}: ${error.message}`,
        );
      expect(await refusal({ colour: 1 })).toMatch(/^CONFIG_INVALID: .*colour/);
      for (const name of Object.keys(kind.defaults)) {
        expect(await refusal({ [name]: "nonsense" })).toMatch(new RegExp(`^CONFIG_INVALID: .*${name}.*nonsense`));
      }
    });

    if (isPersonal) testPersonal(kind);
    else {
      it("scores everybody alike", async () => {
        const model = await kind.fit(input, settings);
        for (const history of histories) expect(scored(model, history, input)).toEqual(scored(model, [], input));
      });
    }
  });
}

function testPersonal(kind: BaselineKind): void {
  it("ranks the one item that a user's colour lacks first, where the answer is certain", async () => {
    const sample = checkerboard(colours, itemsPerColour, itemsPerColour);
    const attributes = Array.from(sample.itemIds, (id) => [`colour ${id % colours}`]);
    const model = await kind.fit({ sample, attributes }, kind.defaults);
    for (const user of sample.userIds.keys()) {
      const history = historyOf(sample, user);
      const scores = scored(model, history, { sample, attributes });
      const best = Array.from(scores.keys())
        .filter((item) => !history.includes(item))
        .reduce((a, b) => (scores[b] > scores[a] ? b : a));
      expect(best).toBe(sample.testItems[user]);
    }
  });

  it("takes one interaction more into account", async () => {
    const input = board();
    const model = await kind.fit(input, kind.defaults);
    // How far an item of colour 1 lies above one of colour 0.
    const lead = (history: readonly number[]): number => {
      const scores = scored(model, history, input);
      return scores[10] - scores[9];
    };
    // Nobody of colour 0 has taken item 4.
    expect(lead([0, 3, 4])).toBeGreaterThan(lead([0, 3]));
  });
}
