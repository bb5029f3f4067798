import { IdTable } from "../../core/ratings/id-table.ts";
import type { Sample, UserHistories } from "../../core/sample.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { SampleFiles, SampleManifest, SampleStore } from "../../ports/sample-store.ts";
import { integers, itemsTable, readIds, usersTable } from "./id-columns.ts";
import {
  type FolderKind,
  type FolderNaming,
  type Manifest,
  readManifest,
  readTable,
  type Table,
  writeTableFolder,
} from "./table-folder.ts";

const kind: FolderKind = {
  format: "ncf-sample",
  manifestName: "manifest.json",
  notFoundCode: "SAMPLE_NOT_FOUND",
  remedy: "make the sample anew with: ncf sample",
};

/**
 * A sample as Parquet: `train.parquet` (userId, itemId, timestamp; by user ascending, oldest first), `test.parquet` (one
 * row a tested user), `users.parquet`, `items.parquet` (the catalogue), and `manifest.json`.
 */
export class ParquetSampleStore implements SampleStore {
  readonly #store: ObjectStore;
  readonly #prefix: string;
  readonly #naming: FolderNaming;

  /** @param prefix folder of the sample inside the store, such as "sample" */
  constructor(store: ObjectStore, prefix: string, naming: FolderNaming = "place") {
    this.#store = store;
    this.#prefix = prefix;
    this.#naming = naming;
  }

  async write({ sample, items, manifest }: SampleFiles): Promise<void> {
    const tables = [
      usersTable(sample.userIds, sample.userLabels),
      itemsTable(sample.itemIds, sample.itemLabels, items),
      trainTable(sample),
      testTable(sample),
    ];
    await writeTableFolder(this.#store, this.#prefix, kind, manifest, tables, this.#naming);
  }

  async read(): Promise<SampleFiles> {
    const { files, ...manifest } = await readManifest<SampleManifest>(this.#store, this.#prefix, kind);
    const table = (name: string) => readTable(this.#store, this.#prefix, kind, { files }, name);
    const users = await readIds(table("users.parquet"), "userId");
    const items = await readIds(table("items.parquet"), "itemId");
    const userIndex = indexOfIds(users.ids);
    const itemIndex = indexOfIds(items.ids);
    const train = await this.#readTrain({ files }, userIndex, itemIndex);
    const testItems = new Int32Array(users.ids.length).fill(-1);
    const testTimestampsMs = new Float64Array(users.ids.length).fill(Number.NaN);
    for await (const { rows, columns } of table("test.parquet")) {
      const [userId, itemId, timestamp] = interactionColumns(columns);
      for (let row = 0; row < rows; row++) {
        const user = userIndex.indexOf(userId[row]);
        testItems[user] = itemIndex.indexOf(itemId[row]);
        testTimestampsMs[user] = timestamp[row];
      }
    }
    const sample: Sample = {
      userIds: users.ids,
      itemIds: items.ids,
      userLabels: users.labels,
      itemLabels: items.labels,
      train,
      testItems,
      testTimestampsMs,
    };
    return { sample, items: items.details, manifest };
  }

  async #readTrain(manifest: Manifest<object>, users: IdTable, items: IdTable): Promise<UserHistories> {
    const interactions = manifest.files["train.parquet"]?.rows ?? 0;
    const offsets = new Uint32Array(users.length + 1);
    const itemOf = new Int32Array(interactions);
    const timestampsMs = new Float64Array(interactions);
    for await (const group of readTable(this.#store, this.#prefix, kind, manifest, "train.parquet")) {
      const [userId, itemId, timestamp] = interactionColumns(group.columns);
      timestampsMs.set(timestamp, group.start);
      for (let row = 0; row < group.rows; row++) {
        offsets[users.indexOf(userId[row]) + 1]++;
        itemOf[group.start + row] = items.indexOf(itemId[row]);
      }
    }
    for (let user = 0; user + 1 < offsets.length; user++) offsets[user + 1] += offsets[user];
    return { offsets, items: itemOf, timestampsMs };
  }
}

function trainTable({ userIds, itemIds, train }: Sample): Table {
  const { offsets, items, timestampsMs } = train;
  let user = 0;
  const userColumn = (start: number, end: number): Float64Array => {
    const ids = new Float64Array(end - start);
    if (user >= userIds.length || offsets[user] > start) user = 0;
    for (let row = start; row < end; row++) {
      while (offsets[user + 1] <= row) user++;
      ids[row - start] = userIds[user];
    }
    return ids;
  };
  return {
    name: "train.parquet",
    rows: items.length,
    columns: [
      { name: "userId", type: "integer", values: userColumn },
      { name: "itemId", type: "integer", values: (start, end) => idsOf(items.subarray(start, end), itemIds) },
      { name: "timestamp", type: "timestampMs", values: (start, end) => timestampsMs.subarray(start, end) },
    ],
  };
}

function testTable({ userIds, itemIds, testItems, testTimestampsMs }: Sample): Table {
  const tested = Int32Array.from(testItems.keys()).filter((user) => testItems[user] >= 0);
  const times = Float64Array.from(tested, (user) => testTimestampsMs[user]);
  const items = Int32Array.from(tested, (user) => testItems[user]);
  return {
    name: "test.parquet",
    rows: tested.length,
    columns: [
      { name: "userId", type: "integer", values: (start, end) => idsOf(tested.subarray(start, end), userIds) },
      { name: "itemId", type: "integer", values: (start, end) => idsOf(items.subarray(start, end), itemIds) },
      { name: "timestamp", type: "timestampMs", values: (start, end) => times.subarray(start, end) },
    ],
  };
}

function idsOf(indices: Int32Array, ids: Float64Array): Float64Array {
  const found = new Float64Array(indices.length);
  for (let i = 0; i < indices.length; i++) found[i] = ids[indices[i]];
  return found;
}

function interactionColumns(columns: Parameters<typeof integers>[0]): [Float64Array, Float64Array, Float64Array] {
  return [integers(columns, "userId"), integers(columns, "itemId"), integers(columns, "timestamp")];
}

function indexOfIds(ids: Float64Array): IdTable {
  const table = new IdTable();
  for (const id of ids) table.indexOf(id);
  return table;
}
