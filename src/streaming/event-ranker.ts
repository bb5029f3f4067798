/** Ranks an event's item among items that its user has not touched. */
import { standingOf } from "../core/evaluation.ts";
import { indexOfId } from "../core/ids.ts";
import { expectedHit, expectedNdcg, type Standing } from "../core/ranking-metrics.ts";
import { purposes, type StreamKey, streamKey } from "../core/rng.ts";
import { CandidateDraw } from "./candidate-draw.ts";
import type { InteractionEvent } from "./interaction-event.ts";
import type { Score } from "./outcome.ts";
import { PopularityPlaces } from "./popularity-places.ts";
import { keyOfValues } from "./stream-key.ts";
import type { StreamModel } from "./stream-model.ts";
import type { UserHistories } from "./user-histories.ts";

export interface Ranking {
  /** Items ranked, the test item included. */
  readonly candidates: number;
  readonly standing: Standing;
  readonly model: Score;
  readonly popularity: Score;
  readonly decayedPopularity: Score;
  /** Null without a challenger, and where it does not know all of the candidates. */
  readonly challenger: Score | null;
}

/** What one version needs beside its own facts. */
interface VersionView {
  readonly draw: CandidateDraw;
  readonly places: PopularityPlaces;
  /** Shape [≥ mapped]: the catalogue index of each item of the histories, −1 outside the catalogue. */
  indices: Int32Array;
  mapped: number;
  /** Shape [items] each: where another version's catalogue has the item, −1 for nowhere. */
  readonly elsewhere: WeakMap<StreamModel, Int32Array>;
}

export class EventRanker {
  readonly #histories: UserHistories;
  readonly #negatives: number;
  readonly #key: StreamKey;
  readonly #views = new WeakMap<StreamModel, VersionView>();
  readonly #scores: Float64Array;
  /** The candidates in the challenger's catalogue. */
  readonly #translated: Int32Array;
  #history = new Int32Array(256);

  /** @param negatives unseen items beside the event's own */
  constructor(histories: UserHistories, options: { seed: number; negatives: number }) {
    this.#histories = histories;
    this.#negatives = options.negatives;
    this.#key = streamKey(options.seed, purposes.streamCandidates);
    this.#scores = new Float64Array(options.negatives + 1);
    this.#translated = new Int32Array(options.negatives + 1);
  }

  /**
   * @param user index into the histories; −1 for a user without any
   * @param test the event's item, a catalogue index
   * @param challenger a version that scores the same candidates
   * @throws NcfError `SCORE_NAN` for a score or a popularity of `model`
   */
  rank(
    model: StreamModel,
    event: InteractionEvent,
    user: number,
    test: number,
    challenger: StreamModel | null,
  ): Ranking {
    const { draw, places } = this.#viewOf(model);
    const history = this.#historyOf(model, user);
    const key = keyOfValues(this.#key, event.userId, event.itemId, event.timestampMs);
    const candidates = draw.draw(test, history, key);
    const scores = this.#scores.subarray(0, candidates.length);
    model.score(event.userId, history, candidates, scores);
    const standing = standingOf(`model version ${model.version}`, scores);
    const [popularity, decayedPopularity] = places.standings(candidates);
    return {
      candidates: candidates.length,
      standing,
      model: scoreOf(standing),
      popularity: scoreOf(popularity),
      decayedPopularity: scoreOf(decayedPopularity),
      challenger: challenger === null ? null : this.#byChallenger(challenger, model, event.userId, user, candidates),
    };
  }

  /** A challenger without a number for an item has missed: it must not stop the stream, and will not be promoted. */
  #byChallenger(
    challenger: StreamModel,
    model: StreamModel,
    userId: number,
    user: number,
    candidates: Int32Array,
  ): Score | null {
    const elsewhere = this.#elsewhere(model, challenger);
    for (let i = 0; i < candidates.length; i++) {
      this.#translated[i] = elsewhere[candidates[i]];
      if (this.#translated[i] < 0) return null;
    }
    const scores = this.#scores.subarray(0, candidates.length);
    const history = this.#historyOf(challenger, user);
    challenger.score(userId, history, this.#translated.subarray(0, candidates.length), scores);
    if (scores.some(Number.isNaN)) return { hit: 0, ndcg: 0 };
    return scoreOf(standingOf(`model version ${challenger.version}`, scores));
  }

  #elsewhere(model: StreamModel, other: StreamModel): Int32Array {
    const { elsewhere } = this.#viewOf(model);
    let indices = elsewhere.get(other);
    if (indices === undefined) {
      indices = Int32Array.from(model.catalogue, (id) => indexOfId(other.catalogue, id));
      elsewhere.set(other, indices);
    }
    return indices;
  }

  /** The user's items that the catalogue has, as a view that is valid until the next call. */
  #historyOf(model: StreamModel, user: number): Int32Array {
    const count = this.#histories.count(user);
    if (count > this.#history.length) this.#history = new Int32Array(2 * count);
    const history = this.#history;
    this.#histories.copyItems(user, history);
    const { indices } = this.#viewOf(model);
    let kept = 0;
    for (let i = 0; i < count; i++) {
      const index = indices[history[i]];
      if (index >= 0) history[kept++] = index;
    }
    return history.subarray(0, kept);
  }

  #viewOf(model: StreamModel): VersionView {
    let view = this.#views.get(model);
    if (view === undefined) {
      const draw = new CandidateDraw(model.catalogue.length, this.#negatives);
      const places = new PopularityPlaces(model);
      view = { draw, places, indices: new Int32Array(1024), mapped: 0, elsewhere: new WeakMap() };
      this.#views.set(model, view);
    }
    if (view.mapped < this.#histories.itemCount) this.#mapItems(view, model);
    return view;
  }

  #mapItems(view: VersionView, model: StreamModel): void {
    const { itemCount } = this.#histories;
    if (view.indices.length < itemCount) {
      const grown = new Int32Array(2 * itemCount);
      grown.set(view.indices);
      view.indices = grown;
    }
    for (; view.mapped < itemCount; view.mapped++) {
      view.indices[view.mapped] = indexOfId(model.catalogue, this.#histories.itemId(view.mapped));
    }
  }
}

function scoreOf(standing: Standing): Score {
  return { hit: Math.round(1e9 * expectedHit(standing)), ndcg: Math.round(1e9 * expectedNdcg(standing)) };
}
