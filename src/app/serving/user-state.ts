/** What the service knows of a user: the sample's history and what was recorded since, under one model version. */
import type { UserModel } from "../../core/user-model.ts";
import type { IdLookup } from "./id-lookup.ts";
import type { RecordedInteraction } from "./recorded-interactions.ts";
import type { TrainedHistories } from "./trained-histories.ts";

export interface Touch {
  /** Item index, −1 for an item outside the catalogue. */
  readonly item: number;
  readonly itemId: string;
  readonly timestampMs: number;
  /** Whether it came to the service, rather than with the sample. */
  readonly recorded: boolean;
}

/** The user's interactions in the sample, the held-out one included, oldest first. */
export function sampleTouches(histories: TrainedHistories, user: number, items: IdLookup): Touch[] {
  if (user < 0) return [];
  const { items: touched, timestampsMs } = histories.of(user);
  const touch = (item: number, i: number): Touch => ({
    item,
    itemId: items.textOf(item),
    timestampMs: timestampsMs[i],
    recorded: false,
  });
  return byTime(Array.from(touched, touch));
}

/** What was recorded of the user, in the order of recording, without items that the sample has them interact with. */
export function recordedTouches(
  recorded: readonly RecordedInteraction[],
  known: readonly Touch[],
  items: IdLookup,
): Touch[] {
  const knownItems = new Set(known.map(({ itemId }) => itemId));
  return recorded
    .filter(({ itemId }) => !knownItems.has(itemId))
    .map((interaction) => ({ ...interaction, item: items.indexOf(interaction.itemId), recorded: true }));
}

/** Oldest first; of the same time, in the given order. */
export function byTime(touches: readonly Touch[]): Touch[] {
  return touches.toSorted((a, b) => a.timestampMs - b.timestampMs);
}

/** The indices of those items that the catalogue has. */
export function knownItems(touches: readonly Touch[]): Int32Array {
  return Int32Array.from(touches.filter(({ item }) => item >= 0).map(({ item }) => item));
}

/**
 * What the model makes of those with recorded interactions. Where that takes long, it is made of the history as it was when the
 * recorded items had reached 1, 2, 4, 8, ... in number, so that the work for a user stays in proportion to what they do.
 */
export class FoldedUsers {
  readonly #model: UserModel;
  readonly #users = new Map<string, { readonly recorded: number; readonly folded: unknown }>();

  constructor(model: UserModel) {
    this.#model = model;
  }

  /**
   * Null when nothing was recorded that the model knows.
   *
   * @param user index into the sample's users, −1 for others
   */
  of(
    userId: string,
    user: number,
    fromSample: readonly Touch[],
    recorded: readonly Touch[],
  ): { readonly folded: unknown } | null {
    const known = recorded.filter(({ item }) => item >= 0);
    if (known.length === 0) return null;
    const foldOf = (recordedItems: number): unknown =>
      this.#model.fold(knownItems(byTime([...fromSample, ...known.slice(0, recordedItems)])), user);
    if (this.#model.foldsCheaply) return { folded: foldOf(known.length) };
    const counted = 2 ** (31 - Math.clz32(known.length));
    const made = this.#users.get(userId);
    if (made?.recorded === counted) return made;
    const making = { recorded: counted, folded: foldOf(counted) };
    this.#users.set(userId, making);
    return making;
  }
}
