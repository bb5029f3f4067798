import type { UserHistories } from "../core/sample.ts";

/** The training interactions by item: the transpose of `UserHistories`. */
export interface UsersOfItems {
  /** Shape [items + 1]: item i's interactions lie at offsets[i] … offsets[i + 1] − 1. */
  readonly offsets: Uint32Array;
  /** Shape [interactions]: ascending within an item. */
  readonly users: Int32Array;
  /** Shape [interactions]: where the interaction lies in the user's order, so that weights of it can be looked up. */
  readonly positions: Uint32Array;
}

export function usersOfItems(
  { offsets: userOffsets, items }: Pick<UserHistories, "offsets" | "items">,
  itemCount: number,
): UsersOfItems {
  const offsets = new Uint32Array(itemCount + 1);
  for (const item of items) offsets[item + 1] += 1;
  for (let item = 0; item < itemCount; item++) offsets[item + 1] += offsets[item];
  const next = offsets.slice();
  const users = new Int32Array(items.length);
  const positions = new Uint32Array(items.length);
  for (let user = 0; user + 1 < userOffsets.length; user++) {
    for (let position = userOffsets[user]; position < userOffsets[user + 1]; position++) {
      const at = next[items[position]]++;
      users[at] = user;
      positions[at] = position;
    }
  }
  return { offsets, users, positions };
}
