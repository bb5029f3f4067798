/**
 * A weighted hybrid (Burke 2002): a collaborative score, a content-based one and popularity, blended with weights that are
 * learnt and move smoothly with how much is known of user and item (blend.ts has the features).
 *
 *     score(h, i) = weights · features(h, i)
 *
 * The weights come from the training interactions alone: each user's latest one is held out, the parts are fitted to the
 * others, and pairwise logistic regression (pairwise-weights.ts) learns to rank what was held out above items that the user
 * never took. It sees each history cut to its newest 0, 1, 2, 4, … items, so it learns what to do for new users. Then the
 * parts are fitted to all training interactions. The collaborative part is the best one by mean HR@10 on the validation
 * splits of ml-latest-small and ML-100K (bench/rivals-tuning.ts); nothing else was tuned. What it is worth for new users and
 * items: bench/hybrid-cold.ts.
 *
 * Cost of a fit: twice that of its parts, and users × cuts requests; of a request: that of its parts, the collaborative one
 * for all items; of a file: that of its parts, and 4 bytes an item.
 */

import { NcfError } from "../core/errors.ts";
import { drawTestedUsers } from "../core/evaluation.ts";
import { holdOutLatest, trainingCounts } from "../core/leave-one-out.ts";
import type { StoredTensor } from "../core/safetensors.ts";
import type { Baseline, BaselineKind, BaselineSettings, FitListeners } from "./baseline.ts";
import { Blend, blendFeatures } from "./blend.ts";
import { blendDifferences } from "./blend-differences.ts";
import {
  checkParts,
  fitParts,
  loadParts,
  ownSettings,
  type Parts,
  settingsOfParts,
  tensorsOfParts,
} from "./hybrid-parts.ts";
import { pairwiseWeights } from "./pairwise-weights.ts";
import { above, atLeast, checkSettings, oneOf, positiveInteger } from "./settings.ts";
import { storedTensor } from "./stored.ts";

export type HybridSettings = BaselineSettings &
  Readonly<{
    /** A kind's name; that kind's settings are named `collaborative.NAME`. */
    collaborative: string;
    /** Likewise, `content.NAME`. */
    content: string;
    /** How many users the weights are learnt from. */
    users: number;
    /** Items drawn for each interaction that was held out. */
    negatives: number;
    /** λ of the regression. */
    ridge: number;
    seed: number;
  }>;

class Hybrid implements Baseline {
  readonly name = "hybrid";
  readonly settings: HybridSettings;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly #weights: Float64Array;
  readonly #blend: Blend;
  #features = new Float64Array(128 * blendFeatures);

  /**
   * @param weights shape [features]
   * @param counts shape [items]: training interactions
   */
  constructor(settings: HybridSettings, parts: Parts<Baseline>, weights: Float64Array, counts: Int32Array) {
    this.settings = { ...settings, ...settingsOfParts(parts) };
    this.tensors = new Map([
      ["weights", { shape: [weights.length], data: weights }],
      ["item_counts", { shape: [counts.length], data: counts }],
      ...tensorsOfParts(parts),
    ]);
    this.#weights = weights;
    this.#blend = new Blend(parts, counts);
  }

  scoreHistory(history: Int32Array, items: Int32Array, scores: Float64Array): void {
    if (this.#features.length < items.length * blendFeatures) {
      this.#features = new Float64Array(2 * items.length * blendFeatures);
    }
    const [weights, features] = [this.#weights, this.#features];
    this.#blend.features(history, items, features);
    for (let i = 0; i < items.length; i++) {
      let score = 0;
      for (let f = 0; f < blendFeatures; f++) score += weights[f] * features[i * blendFeatures + f];
      scores[i] = score;
    }
  }
}

/** Listeners of a stage of a fit, told from which to which share of the whole it takes. */
function stage({ onProgress, signal }: FitListeners, from: number, to: number): FitListeners {
  return { signal, ...(onProgress && { onProgress: (share: number) => onProgress(from + share * (to - from)) }) };
}

/** @param kinds what the parts may be */
export function hybridKind(kinds: Parts<readonly BaselineKind[]>): BaselineKind<HybridSettings> {
  const partsNamed = ({ collaborative, content }: HybridSettings): Parts<BaselineKind> => ({
    collaborative: named(kinds.collaborative, collaborative),
    content: named(kinds.content, content),
  });
  const check = (settings: BaselineSettings): void => {
    checkSettings("hybrid", ownSettings(settings), {
      collaborative: oneOf(...kinds.collaborative.map(({ name }) => name)),
      content: oneOf(...kinds.content.map(({ name }) => name)),
      users: positiveInteger,
      negatives: positiveInteger,
      ridge: above(0),
      seed: atLeast(0),
    });
    checkParts(partsNamed(settings as HybridSettings), settings);
  };
  return {
    name: "hybrid",
    check,
    defaults: {
      collaborative: "item-knn-recency",
      content: "content-based",
      users: 2000,
      negatives: 50,
      ridge: 10,
      seed: 1,
    },
    async fit(input, settings, listeners = {}) {
      check(settings);
      const { sample, attributes } = input;
      const partKinds = partsNamed(settings);
      const heldOut = holdOutLatest(sample);
      const trial = await fitParts(partKinds, { sample: heldOut, attributes }, settings, stage(listeners, 0, 0.4));
      const differences = await blendDifferences(
        new Blend(trial, trainingCounts(heldOut)),
        heldOut,
        drawTestedUsers(heldOut, settings.users, settings.seed),
        settings,
        stage(listeners, 0.4, 0.6),
      );
      const weights = pairwiseWeights(differences, blendFeatures, settings.ridge);
      const parts = await fitParts(partKinds, input, settings, stage(listeners, 0.6, 1));
      return new Hybrid(settings, parts, weights, trainingCounts(sample));
    },
    load: (settings, tensors) =>
      new Hybrid(
        settings,
        loadParts(partsNamed(settings), settings, tensors),
        storedTensor(tensors, "weights", Float64Array),
        storedTensor(tensors, "item_counts", Int32Array),
      ),
  };
}

function named(kinds: readonly BaselineKind[], wanted: string): BaselineKind {
  const kind = kinds.find(({ name }) => name === wanted);
  if (kind !== undefined) return kind;
  throw new NcfError(
    "FILE_FOREIGN",
    `model file: expected a hybrid of ${kinds.map(({ name }) => name).join(", ")}, found one of ${wanted}: fit the model anew`,
  );
}
