import { labelOf } from "../../core/ids.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { RecommendationsTable } from "../../ports/recommendations-table.ts";
import { type ParquetColumn, parquetFile } from "./parquet-writer.ts";

/**
 * One row a recommendation, by user, best first: `userId`, `rank` (from 1), `itemId`, `score`. Ids are INT64, or text where the
 * source has any id that is no integer.
 */
export function parquetRecommendations(store: ObjectStore, key: string): RecommendationsTable {
  return {
    async write({ offsets, items, scores }, { userIds, itemIds, userLabels, itemLabels }) {
      const users = new RowUsers(offsets);
      const columns: ParquetColumn[] = [
        idColumn("userId", userIds, userLabels, (start, end) => users.of(start, end)),
        { name: "rank", type: "integer", values: (start, end) => users.ranks(start, end) },
        idColumn("itemId", itemIds, itemLabels, (start, end) => items.subarray(start, end)),
        { name: "score", type: "float", values: (start, end) => scores.subarray(start, end) },
      ];
      return (await store.put(key, asynchronously(parquetFile(columns, items.length)))).size;
    },
  };
}

function idColumn(
  name: string,
  ids: Float64Array,
  labels: ReadonlyMap<number, string>,
  indicesOf: (start: number, end: number) => Int32Array,
): ParquetColumn {
  if (labels.size === 0) {
    return { name, type: "integer", values: (start, end) => Float64Array.from(indicesOf(start, end), (i) => ids[i]) };
  }
  return {
    name,
    type: "text",
    values: (start, end) => Array.from(indicesOf(start, end), (i) => labelOf(ids[i], labels)),
  };
}

/** Finds the users of rows that are asked for in ascending order. */
class RowUsers {
  readonly #offsets: Uint32Array;
  #user = 0;

  constructor(offsets: Uint32Array) {
    this.#offsets = offsets;
  }

  of(start: number, end: number): Int32Array {
    return this.#each(start, end, (user) => user);
  }

  ranks(start: number, end: number): Int32Array {
    return this.#each(start, end, (user, row) => row - this.#offsets[user] + 1);
  }

  #each(start: number, end: number, value: (user: number, row: number) => number): Int32Array {
    const values = new Int32Array(end - start);
    let user = this.#offsets[this.#user] <= start ? this.#user : 0;
    for (let row = start; row < end; row++) {
      while (this.#offsets[user + 1] <= row) user += 1;
      values[row - start] = value(user, row);
    }
    this.#user = user;
    return values;
  }
}

async function* asynchronously(chunks: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* chunks;
}
