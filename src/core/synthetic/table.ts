/** Generated data as the table that reading its ratings.csv would give, without writing it. */
import type { RatingTable } from "../ratings.ts";
import type { SyntheticDataset } from "./dataset.ts";

/** @param data a generated data set, or some of its users with their number and that of their ratings */
export function syntheticRatingTable(
  data: Pick<SyntheticDataset, "users" | "ratings" | "movies" | "allUsers">,
): RatingTable {
  const length = data.ratings;
  const user = new Int32Array(length);
  const item = new Int32Array(length);
  const timestampMs = new Float64Array(length);
  const rating = new Float32Array(length);
  const userIds = new Float64Array(data.users);
  const itemIds: number[] = [];
  const itemOfMovie = new Int32Array(data.movies.length).fill(-1);
  let row = 0;
  let index = 0;
  for (const { id, movies, stars, seconds } of data.allUsers()) {
    userIds[index] = id;
    user.fill(index++, row, row + movies.length);
    rating.set(stars, row);
    for (let i = 0; i < movies.length; i++, row++) {
      const movie = movies[i];
      if (itemOfMovie[movie] < 0) itemOfMovie[movie] = itemIds.push(data.movies[movie].id) - 1;
      item[row] = itemOfMovie[movie];
      timestampMs[row] = seconds[i] * 1000;
    }
  }
  return {
    length,
    userIds,
    itemIds: Float64Array.from(itemIds),
    userLabels: new Map(),
    itemLabels: new Map(),
    user,
    item,
    timestampMs,
    rating,
  };
}
