import { NcfError } from "../../core/errors.ts";
import { isIntegerId, labelOf } from "../../core/ids.ts";
import type { InteractionChunks, KeptInteraction, OffsetRange } from "../../ports/interaction-chunks.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import { integers } from "./id-columns.ts";
import { openParquet, type RowGroup } from "./parquet-reader.ts";
import { type ParquetColumn, parquetFile } from "./parquet-writer.ts";

/** Digits of an offset in a name, so that names sort by offset. */
const offsetDigits = 16;
const namePattern = /^(\d{16})-(\d{16})\.parquet$/;

/**
 * One Parquet file a chunk, `<from>-<to>.parquet`: userId, userLabel, itemId, itemLabel (the text of an id that is no
 * integer), timestamp, rating and offset.
 */
export class ParquetInteractionChunks implements InteractionChunks {
  readonly #store: ObjectStore;
  readonly #prefix: string;

  /** @param prefix such as "interactions/group/0/" */
  constructor(store: ObjectStore, prefix: string) {
    this.#store = store;
    this.#prefix = prefix;
  }

  async list(): Promise<OffsetRange[]> {
    const keys = await this.#store.list(this.#prefix);
    return keys.flatMap((key) => {
      const parts = namePattern.exec(key.slice(this.#prefix.length));
      return parts === null ? [] : [{ from: Number(parts[1]), to: Number(parts[2]) }];
    });
  }

  async write(range: OffsetRange, interactions: readonly KeptInteraction[]): Promise<void> {
    const bytes = new Uint8Array(Buffer.concat([...parquetFile(columnsOf(interactions), interactions.length)]));
    await this.#store.putIfAbsent(this.#key(range), bytes);
  }

  async read(range: OffsetRange): Promise<KeptInteraction[]> {
    const key = this.#key(range);
    const size = (await this.#store.head(key))?.size ?? 0;
    try {
      const interactions: KeptInteraction[] = [];
      const file = await openParquet(this.#store, key, size);
      for await (const group of file.rowGroups(() => undefined)) interactions.push(...rowsOf(group));
      return interactions;
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new NcfError(
        "FILE_DAMAGED",
        `${key}: expected a Parquet file of interactions, found another (${reason}). Remove it: the stream writes it anew ` +
          "from the log, as long as the log has its records",
        { cause },
      );
    }
  }

  #key({ from, to }: OffsetRange): string {
    const [first, end] = [from, to].map((offset) => String(offset).padStart(offsetDigits, "0"));
    return `${this.#prefix}${first}-${end}.parquet`;
  }
}

function columnsOf(interactions: readonly KeptInteraction[]): ParquetColumn[] {
  const numbers = (of: (interaction: KeptInteraction) => number) => (start: number, end: number) =>
    Float64Array.from(interactions.slice(start, end), of);
  const labels = (textOf: (interaction: KeptInteraction) => string) => (start: number, end: number) =>
    interactions.slice(start, end).map((interaction) => {
      const text = textOf(interaction);
      return isIntegerId(text) ? null : text;
    });
  return [
    { name: "userId", type: "integer", values: numbers(({ userId }) => userId) },
    { name: "userLabel", type: "text", values: labels(({ userText }) => userText) },
    { name: "itemId", type: "integer", values: numbers(({ itemId }) => itemId) },
    { name: "itemLabel", type: "text", values: labels(({ itemText }) => itemText) },
    { name: "timestamp", type: "timestampMs", values: numbers(({ timestampMs }) => timestampMs) },
    {
      name: "rating",
      type: "float",
      values: (start, end) => Float32Array.from(interactions.slice(start, end), ({ rating }) => rating ?? Number.NaN),
    },
    { name: "offset", type: "integer", values: numbers(({ offset }) => offset) },
  ];
}

function rowsOf({ rows, columns }: RowGroup): KeptInteraction[] {
  const [userId, itemId, timestamp, offset] = ["userId", "itemId", "timestamp", "offset"].map((name) =>
    integers(columns, name),
  );
  const text = (name: string, row: number, id: number): string => {
    const label = columns.get(name)?.[row];
    return labelOf(id, typeof label === "string" ? new Map([[id, label]]) : new Map());
  };
  return Array.from({ length: rows }, (_, row) => {
    const rating = columns.get("rating")?.[row];
    return {
      offset: offset[row],
      userId: userId[row],
      itemId: itemId[row],
      userText: text("userLabel", row, userId[row]),
      itemText: text("itemLabel", row, itemId[row]),
      timestampMs: timestamp[row],
      rating: typeof rating === "number" ? rating : null,
    };
  });
}
