/** What users did before a model was made, as far as answers need it: in memory, or read for one user at a time. */
import { trainingCounts } from "../../core/leave-one-out.ts";
import type { Sample } from "../../core/sample.ts";

/** One user's interactions, in the order of training. */
export interface TrainedHistory {
  /** Shape [interactions]: item indices. */
  readonly items: Int32Array;
  /** Shape [interactions]. */
  readonly timestampsMs: Float64Array;
}

/** Users and items are indices of the model's. */
export interface TrainedHistories {
  /** Shape [items]: training interactions. */
  readonly itemCounts: Int32Array;
  /** Of all users. */
  readonly interactions: number;
  /** A user's number of interactions. */
  count(user: number): number;
  /** Of a user that was loaded. */
  of(user: number): TrainedHistory;
  /** Gets the user's history where it is not in memory. @throws NcfError those of where it lies */
  load(user: number): Promise<void>;
}

/** Those of a sample: a held-out interaction counts as the user's, but not as one of its item's. */
export function sampleHistories(sample: Sample): TrainedHistories {
  const { train, testItems, testTimestampsMs } = sample;
  const trained = (user: number): number => train.offsets[user + 1] - train.offsets[user];
  const held = (user: number): number => (testItems[user] >= 0 ? 1 : 0);
  return {
    itemCounts: trainingCounts(sample),
    interactions: train.items.length + testItems.reduce((sum, _, user) => sum + held(user), 0),
    count: (user) => trained(user) + held(user),
    load: async () => {},
    of(user) {
      const length = trained(user);
      const items = new Int32Array(length + held(user));
      const timestampsMs = new Float64Array(items.length);
      const [from, to] = [train.offsets[user], train.offsets[user + 1]];
      items.set(train.items.subarray(from, to));
      timestampsMs.set(train.timestampsMs.subarray(from, to));
      if (items.length > length) {
        items[length] = testItems[user];
        timestampsMs[length] = testTimestampsMs[user];
      }
      return { items, timestampsMs };
    },
  };
}
