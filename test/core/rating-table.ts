import type { RatingTable } from "../../src/core/ratings.ts";

/** A table from [user id, item id, time in ms] rows, as reading a file would give it. */
export function ratingTable(rows: readonly (readonly [number, number, number])[]): RatingTable {
  const userIds = [...new Set(rows.map(([user]) => user))];
  const itemIds = [...new Set(rows.map(([, item]) => item))];
  return {
    length: rows.length,
    userIds: Float64Array.from(userIds),
    itemIds: Float64Array.from(itemIds),
    userLabels: new Map(),
    itemLabels: new Map(),
    user: Int32Array.from(rows, ([user]) => userIds.indexOf(user)),
    item: Int32Array.from(rows, ([, item]) => itemIds.indexOf(item)),
    timestampMs: Float64Array.from(rows, ([, , time]) => time),
    rating: new Float32Array(rows.length).fill(4),
  };
}
