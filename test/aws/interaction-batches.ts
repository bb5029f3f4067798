/** Six hours of interactions, a hundred a batch, by users of the data set and new ones. */
import { mix } from "../../src/core/rng.ts";

const hourMs = 3_600_000;
const perHour = 50;

export interface PostedInteraction {
  readonly userId: string;
  readonly itemId: string;
  readonly timestampMs: number;
}

/** @param movies the data set's movies.csv. @param endMs where they end, up to an hour before */
export function interactionBatches(movies: string, endMs: number): PostedInteraction[][] {
  const itemIds = movies
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => line.split(",")[0]);
  const startMs = (Math.floor(endMs / hourMs) - 6) * hourMs;
  return [0, 1, 2].map((batch) =>
    Array.from({ length: 100 }, (_, i) => {
      const n = 100 * batch + i;
      return {
        userId: String(1 + (mix(n, 1, 7) % 170)),
        itemId: itemIds[mix(n, 2, 7) % itemIds.length],
        timestampMs: startMs + (n * hourMs) / perHour,
      };
    }),
  );
}
