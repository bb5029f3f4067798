/**
 * A trained model with rows for users and items that came after its training: where fine-tuning starts. A row that was
 * trained stays as it is; a new user's is folded in from their history, a new item's comes from its attributes.
 */
import { NcfError } from "../core/errors.ts";
import { indexOfId } from "../core/ids.ts";
import { trainingCounts } from "../core/leave-one-out.ts";
import type { Sample } from "../core/sample.ts";
import type { TrainingData } from "./backend.ts";
import { withDerivedRows } from "./derived-rows.ts";
import { createFoldIn } from "./fold-in.ts";
import { attributeFeatures } from "./item-features.ts";
import { embeddingRows, type TrainedModel, trainingData } from "./model.ts";
import { withNewItems } from "./new-items.ts";
import { parameterTable, type Tensor } from "./parameters.ts";

export interface ModelGrowth {
  readonly base: TrainedModel;
  /** What `base` was trained on. */
  readonly before: Sample;
  /** All users and items of `before`, and new ones. */
  readonly sample: Sample;
  /** Shape [items of `sample`]: genres and the like; none where they are unknown, which gives an average item's row. */
  readonly attributes: readonly (readonly string[])[];
}

/**
 * The model over the users and items of `sample`, with the rows that its configuration gives them there.
 *
 * @throws NcfError `RAW_ID_TOO_LARGE` for a model of raw ids and a new id beyond them; those of `withNewItems` and `grownData`
 */
export function grownModel(growth: ModelGrowth): TrainedModel {
  const { base, before, sample, attributes } = growth;
  const rows = embeddingRows(base.config, sample);
  const items = withAppendedItems(base, before, sample, attributes);
  const users = userRowsOf(base, before, sample);
  const tensors = new Map<string, Tensor>();
  for (const { name, shape, kind } of parameterTable(base.config, rows.userRowCount, rows.itemRowCount)) {
    const old = base.tensors.get(name);
    if (old === undefined) continue;
    // A feature is the same whichever items there are.
    if (kind !== "rows" || name.includes("item_feature")) {
      tensors.set(name, old);
      continue;
    }
    const data = new Float32Array(shape[0] * shape[1]);
    // A table of raw ids has rows that belong to nobody: they stay, too.
    if (base.config.ids === "raw") data.set(old.data);
    const isOfUsers = name.includes("user_embedding");
    (isOfUsers ? rows.userRows : rows.itemRows).forEach((row, index) => {
      data.set(isOfUsers ? users(name, index) : items(name, index), row * shape[1]);
    });
    tensors.set(name, { shape, data });
  }
  return {
    ...base,
    tensors: withDerivedRows(base.config, grownData(growth), tensors),
    userRows: rows.userRows,
    itemRows: rows.itemRows,
  };
}

/**
 * What the grown model goes on with.
 *
 * @throws NcfError `FEATURES_INVALID` for a model of item vectors, which its files do not keep
 */
export function grownData({ base: { config, name }, sample, attributes }: ModelGrowth): TrainingData {
  const { itemFeatures } = config;
  if (!itemFeatures) return trainingData(config, sample);
  if (itemFeatures.from === "attributes") {
    return trainingData(config, sample, attributeFeatures(itemFeatures, attributes));
  }
  throw new NcfError(
    "FEATURES_INVALID",
    `expected a model that can be trained further without its items' vectors, found ${name}, which was trained with some. ` +
      "Train it anew, with the vectors of all items",
  );
}

/** The row of a table for an item or user of the grown sample. */
type RowOf = (table: string, index: number) => Float32Array;

function tableRow({ tensors }: TrainedModel, table: string, row: number): Float32Array {
  const { shape, data } = tensors.get(table) ?? { shape: [0, 0], data: new Float32Array(0) };
  return data.subarray(row * shape[1], (row + 1) * shape[1]);
}

function withAppendedItems(
  base: TrainedModel,
  before: Sample,
  { itemIds }: Sample,
  attributes: readonly (readonly string[])[],
): RowOf {
  const placeBefore = Int32Array.from(itemIds, (id) => indexOfId(before.itemIds, id));
  const added = Int32Array.from(itemIds.keys()).filter((item) => placeBefore[item] < 0);
  // `withNewItems` takes the known items first, in their order, then the new ones.
  const known = Array.from(before.itemIds, (id) => attributes[indexOfId(itemIds, id)] ?? []);
  const extended = withNewItems(base, {
    attributes: [...known, ...Array.from(added, (item) => attributes[item])],
    interactions: trainingCounts(before),
  });
  added.forEach((item, n) => {
    placeBefore[item] = before.itemIds.length + n;
  });
  return (table, item) => tableRow(extended, table, extended.itemRows[placeBefore[item]]);
}

function userRowsOf(base: TrainedModel, before: Sample, { userIds, itemIds, train }: Sample): RowOf {
  const foldIn = createFoldIn(base);
  return (table, user) => {
    const known = indexOfId(before.userIds, userIds[user]);
    if (known >= 0) return tableRow(base, table, base.userRows[known]);
    // Beside a history stands a row of one's own, which for a new user is the mean of the others'.
    const end = base.config.history ? train.offsets[user] : train.offsets[user + 1];
    const history = train.items.subarray(train.offsets[user], end);
    const row = foldIn.row(history.map((item) => indexOfId(before.itemIds, itemIds[item])).filter((item) => item >= 0));
    return table.startsWith("gmf_") ? row.gmf : row.mlp;
  };
}
