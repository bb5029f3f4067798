/**
 * Weekly windows of a data set after the first share of its ratings, as bench/stream-worth.ts and bench/cold-start.ts walk
 * through them: each event is tested, then learnt. Popularity, popularity of late and item-knn learn as it goes.
 */
import { readDataset } from "../src/adapters/local/ratings-reader.ts";
import { DecayedCounts } from "../src/baselines/decayed-counts.ts";
import { OnlineItemKnn } from "../src/baselines/online-item-knn.ts";
import type { RatingTable } from "../src/core/ratings.ts";
import { stableOrderByTime } from "../src/core/time-order.ts";
import { attributesOf } from "../src/ncf/attribute-profile.ts";
import { TouchedItems, weekMs } from "./weekly-events.ts";

/** Weeks after which an interaction counts half. */
const halfLifeWeeks = 26;

export interface WalkOptions {
  /** Shares of the ratings, by time: the windows begin after `start` and end with `end`. */
  readonly start: number;
  readonly end: number;
  /** From one training to the next. */
  readonly retrainWeeks: number;
}

/** An event to test. Users and items are the table's indices. */
export interface WalkedEvent {
  readonly user: number;
  readonly item: number;
  /** Its place among all ratings by time. */
  readonly position: number;
  /** Since the windows began. */
  readonly week: number;
  /** Items that the user touched before. */
  readonly history: readonly number[];
  /** Whether the user had no event before this week. */
  readonly isNewInWeek: boolean;
}

export class WeeklyWalk {
  readonly ratings: RatingTable;
  readonly attributesById: ReadonlyMap<number, readonly string[]>;
  readonly touched: TouchedItems;
  readonly #decayed: DecayedCounts;
  readonly #knn = new OnlineItemKnn();

  static async open(path: string): Promise<WeeklyWalk> {
    const { ratings, items } = await readDataset(path);
    return new WeeklyWalk(ratings, new Map(items.map((item) => [item.id, attributesOf(item)])));
  }

  private constructor(ratings: RatingTable, attributesById: ReadonlyMap<number, readonly string[]>) {
    this.ratings = ratings;
    this.attributesById = attributesById;
    this.touched = new TouchedItems(ratings.userIds.length, ratings.itemIds.length);
    this.#decayed = new DecayedCounts(ratings.itemIds.length, halfLifeWeeks * weekMs);
  }

  /**
   * Goes through all events once. `train` is called before the first test, and in the first week with events at least
   * `retrainWeeks` after; it may learn from what lies before its time.
   */
  async run(
    { start, end, retrainWeeks }: WalkOptions,
    { train, test }: { train: (nowMs: number) => Promise<void>; test: (event: WalkedEvent) => void },
  ): Promise<void> {
    const { ratings, touched } = this;
    const order = Int32Array.from({ length: ratings.length }, (_, row) => row);
    stableOrderByTime(order, 0, order.length, ratings.timestampMs);
    const startMs = ratings.timestampMs[order[Math.floor(start * order.length)]];
    let week = -1;
    let trainedWeek = Number.NEGATIVE_INFINITY;
    let knownAtWeekStart = new Set<number>();
    for (let position = 0; position < Math.floor(end * order.length); position++) {
      const row = order[position];
      const [user, item, timeMs] = [ratings.user[row], ratings.item[row], ratings.timestampMs[row]];
      if (touched.has(user, item)) continue;
      if (timeMs >= startMs) {
        const now = Math.floor((timeMs - startMs) / weekMs);
        if (now !== week) {
          week = now;
          knownAtWeekStart = new Set(
            touched.histories.flatMap((history, other) => (history.length > 0 ? [other] : [])),
          );
          if (week - trainedWeek >= retrainWeeks) {
            trainedWeek = week;
            await train(timeMs);
          }
        }
        const isNewInWeek = !knownAtWeekStart.has(user);
        test({ user, item, position, week, history: touched.histories[user], isNewInWeek });
      }
      touched.learn(user, item);
      this.#decayed.add(item, timeMs);
      this.#knn.learn(user, item, timeMs);
    }
  }

  /** Scores of popularity, of popularity of late, and of item-knn, which falls back on the latter where it knows no neighbours. */
  baselineScores(user: number, candidates: Int32Array): [Float64Array, Float64Array, Float64Array] {
    const popular = Float64Array.from(candidates, (item) => this.touched.counts[item]);
    const recent = Float64Array.from(candidates, (item) => this.#decayed.values[item]);
    const neighbours = new Float64Array(candidates.length);
    this.#knn.score(user, candidates, neighbours);
    const most = greatest(recent);
    return [popular, recent, neighbours.map((score, i) => score + (1e-9 * recent[i]) / most)];
  }
}

/** Above zero, to divide by. */
export function greatest(scores: Float64Array): number {
  return scores.reduce((most, score) => Math.max(most, score), Number.MIN_VALUE);
}
