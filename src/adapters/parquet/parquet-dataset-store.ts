import { IdTable } from "../../core/ratings/id-table.ts";
import type { RatingTable, ValidationReport } from "../../core/ratings.ts";
import type { DatasetStore, StoredDataset } from "../../ports/dataset-store.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import { integers, itemsTable, readIds, usersTable } from "./id-columns.ts";
import {
  type FolderKind,
  type FolderNaming,
  readManifest,
  readTable,
  type Table,
  writeTableFolder,
} from "./table-folder.ts";

const kind: FolderKind = {
  format: "ncf-dataset",
  manifestName: "ingest.json",
  notFoundCode: "DATASET_NOT_FOUND",
  remedy: "make the data set anew with: ncf ingest",
};

interface IngestRecord {
  readonly name: string;
  readonly generated: boolean;
  readonly validation: ValidationReport;
}

/**
 * A data set as Parquet: `interactions.parquet` (userId, itemId, rating or null, timestamp; in the order of the source),
 * `users.parquet`, `items.parquet` (rated or listed), and `ingest.json` with the validation report.
 */
export class ParquetDatasetStore implements DatasetStore {
  readonly #store: ObjectStore;
  readonly #prefix: string;
  readonly #naming: FolderNaming;

  /** @param prefix folder of the data set inside the store, such as "dataset" */
  constructor(store: ObjectStore, prefix: string, naming: FolderNaming = "place") {
    this.#store = store;
    this.#prefix = prefix;
    this.#naming = naming;
  }

  async write({ ratings, items, name, generated, validation }: StoredDataset): Promise<void> {
    const ids = new Set(ratings.itemIds);
    for (const { id } of items) ids.add(id);
    const tables = [
      usersTable(ratings.userIds, ratings.userLabels),
      itemsTable(Float64Array.from(ids), ratings.itemLabels, items),
      interactionsTable(ratings),
    ];
    await writeTableFolder(this.#store, this.#prefix, kind, { name, generated, validation }, tables, this.#naming);
  }

  async read(): Promise<StoredDataset> {
    const { files, ...record } = await readManifest<IngestRecord>(this.#store, this.#prefix, kind);
    const table = (name: string) => readTable(this.#store, this.#prefix, kind, { files }, name);
    const users = await readIds(table("users.parquet"), "userId");
    const items = await readIds(table("items.parquet"), "itemId");
    const length = files["interactions.parquet"]?.rows ?? 0;
    const userIndex = new IdTable();
    const itemIndex = new IdTable();
    const columns = {
      user: new Int32Array(length),
      item: new Int32Array(length),
      timestampMs: new Float64Array(length),
      rating: new Float32Array(length),
    };
    for await (const group of table("interactions.parquet")) {
      const userId = integers(group.columns, "userId");
      const itemId = integers(group.columns, "itemId");
      const rating = group.columns.get("rating") ?? [];
      columns.timestampMs.set(integers(group.columns, "timestamp"), group.start);
      for (let row = 0; row < group.rows; row++) {
        columns.user[group.start + row] = userIndex.indexOf(userId[row]);
        columns.item[group.start + row] = itemIndex.indexOf(itemId[row]);
        columns.rating[group.start + row] = Number(rating[row] ?? Number.NaN);
      }
    }
    const itemIds = itemIndex.ids();
    const rated = new Set(itemIds);
    const itemLabels = new Map([...items.labels].filter(([id]) => rated.has(id)));
    const ids = { userIds: userIndex.ids(), itemIds, userLabels: users.labels, itemLabels };
    return { ...record, items: items.details, ratings: { length, ...ids, ...columns } };
  }
}

function interactionsTable({ length, userIds, itemIds, user, item, rating, timestampMs }: RatingTable): Table {
  const idsOf = (indices: Int32Array, ids: Float64Array) => Float64Array.from(indices, (index) => ids[index]);
  return {
    name: "interactions.parquet",
    rows: length,
    columns: [
      { name: "userId", type: "integer", values: (start, end) => idsOf(user.subarray(start, end), userIds) },
      { name: "itemId", type: "integer", values: (start, end) => idsOf(item.subarray(start, end), itemIds) },
      { name: "rating", type: "float", values: (start, end) => rating.subarray(start, end) },
      { name: "timestamp", type: "timestampMs", values: (start, end) => timestampMs.subarray(start, end) },
    ],
  };
}
