/** Where the recommendations of all users go. */
import type { Sample } from "../core/sample.ts";

export interface RecommendationRows {
  /** Shape [users + 1]: user u's rows are offsets[u] … offsets[u + 1] − 1, best first. */
  readonly offsets: Uint32Array;
  /** Shape [rows]: item indices. */
  readonly items: Int32Array;
  /** Shape [rows]. */
  readonly scores: Float32Array;
}

export interface RecommendationsTable {
  /** Writes the table whole or not at all; gives its size in bytes. */
  write(
    rows: RecommendationRows,
    ids: Pick<Sample, "userIds" | "itemIds" | "userLabels" | "itemLabels">,
  ): Promise<number>;
}
