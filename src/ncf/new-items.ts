/**
 * Rows for items that training has not seen, from their attributes: genres and the period of release.
 *
 * A trained item's row y_i (its MLP embedding, its GMF embedding and its bias, side by side) is regressed on its attributes:
 *
 *     minimize  Σ over trained items i of w_i · |y_i − a − Σ over attributes g of i of b_g|²  +  λ · Σ_g |b_g|²
 *
 * and a new item's row is a + Σ over its attributes g of b_g. The weights w_i ∝ 1 / (training interactions of i), with mean
 * 1, make a row that of a seldom touched item: bias and norm grow with popularity, and the average trained item is far more
 * popular than a new one will be at first. (Ridge regression in closed form; the attribute-to-factor map of Gantner et al.
 * 2010, "Learning attribute-to-feature mappings for cold-start recommendations".) It orders new items among each other;
 * whether they are right for a user, attribute-profile.ts knows better.
 *
 * A model with item features needs no regression for what features tell: its new item's row is Σ_k v_k F_k and, in place of
 * the own row, the mean of the trained items' own rows under the same weights. The vectors that such a model may have been
 * trained with are not kept: items beyond its sample are then regressed as above.
 *
 * A function of its arguments alone.
 */
import { NcfError } from "../core/errors.ts";
import { factorize, solveFactorized } from "../core/linear-algebra.ts";
import { attributeFeatures, featureRow, itemTables } from "./item-features.ts";
import type { TrainedModel } from "./model.ts";
import type { Tensor } from "./parameters.ts";

/**
 * λ: how many items of mean weight pull an attribute's effect to 0. Chosen with bench/cold-start.ts on its events up to
 * --end 0.6, on a flat optimum.
 */
const ridge = 200;

/** What embeds an item, of which a model has one or more. */
const plainTables = ["item_embedding.weight", "gmf_item_embedding.weight", "item_bias.weight"];
const historyTables = ["history_embedding.weight", "gmf_history_embedding.weight"];

export interface ItemCatalogue {
  /** Shape [items]: first the attributes of the items of the model's sample, in its order, then those of the new items. */
  readonly attributes: readonly (readonly string[])[];
  /** Shape [items of the sample]: training interactions. An item with 0 gets a row from its attributes, too. */
  readonly interactions: ArrayLike<number>;
}

/**
 * The model with a row for every item of the catalogue: trained items keep theirs, all others start from their attributes.
 * Its item tables have shape [items of the catalogue, width] and `itemRows` counts through them, whatever rows the model
 * had; users and network are shared with `model`, which stays as it is. For scoring and fold-in: a model of raw ids has
 * no place for an id any more.
 *
 * @throws NcfError `CATALOGUE_INVALID` where the catalogue does not fit the model or no item has a training interaction
 */
export function withNewItems(model: TrainedModel, catalogue: ItemCatalogue): TrainedModel {
  checkCatalogue(model, catalogue);
  const { attributes, interactions } = catalogue;
  const trained = Int32Array.from(model.itemRows.keys()).filter((item) => interactions[item] > 0);
  const isTrained = new Set(trained);
  const design = regression(attributes, trained, interactions);
  const mean = regression(
    attributes.map(() => []),
    trained,
    interactions,
  );
  const tensors = new Map(model.tensors);
  const extend = (name: string, newRow: (width: number, rowOf: RowOf) => (item: number) => Float64Array): void => {
    const table = model.tensors.get(name);
    if (table === undefined) return;
    const width = table.shape[1];
    const rowOf = rowsOf(table, model.itemRows);
    const forNew = newRow(width, rowOf);
    const data = new Float32Array(attributes.length * width);
    attributes.forEach((_, item) => {
      data.set(isTrained.has(item) ? rowOf(item) : forNew(item), item * width);
    });
    tensors.set(name, { shape: [attributes.length, width], data } satisfies Tensor);
  };
  const regressed = model.config.itemFeatures ? historyTables : [...plainTables, ...historyTables];
  for (const name of regressed) extend(name, design.solve);
  for (const { name, own, feature } of model.config.itemFeatures ? itemTables(model.config) : []) {
    const [ownTable, features] = [model.tensors.get(own), model.tensors.get(feature)];
    if (ownTable === undefined || features === undefined) continue;
    const added = addedByFeatures(model, catalogue, name, rowsOf(ownTable, model.itemRows), features);
    extend(own, mean.solve);
    extend(name, (width, rowOf) => {
      const [ofOwn, fromAttributes] = [mean.solve(width, rowsOf(ownTable, model.itemRows)), design.solve(width, rowOf)];
      return (item) => added(item)?.map((value, k) => value + ofOwn(item)[k]) ?? fromAttributes(item);
    });
  }
  return { ...model, tensors, itemRows: Int32Array.from(attributes.keys()) };
}

type RowOf = (item: number) => Float32Array;

function rowsOf({ shape, data }: Tensor, itemRows: Int32Array): RowOf {
  return (item) => data.subarray(itemRows[item] * shape[1], (itemRows[item] + 1) * shape[1]);
}

/** Σ_k v_k F_k of an item in one of the item tables; null for an item whose features are unknown. */
function addedByFeatures(
  { config: { itemFeatures }, tensors, itemRows }: TrainedModel,
  { attributes }: ItemCatalogue,
  name: string,
  ownRow: RowOf,
  features: Tensor,
): (item: number) => Float64Array | null {
  const table = tensors.get(name);
  const whole = table && rowsOf(table, itemRows);
  const known = itemFeatures?.from === "attributes" ? attributeFeatures(itemFeatures, attributes) : null;
  return (item) => {
    // What an item of the sample has beside its own row came from its features.
    if (item < itemRows.length && whole) return Float64Array.from(whole(item), (value, k) => value - ownRow(item)[k]);
    return known && featureRow(features, known, item);
  };
}

/** A column for each attribute, in order of first appearance. */
function columnsOf(attributes: Iterable<readonly string[]>): Map<string, number> {
  const columns = new Map<string, number>();
  for (const names of attributes) for (const name of names) if (!columns.has(name)) columns.set(name, columns.size);
  return columns;
}

/** The columns of an item's attributes, each once; those without a column are left out. */
function columnsIn(columns: ReadonlyMap<string, number>, names: readonly string[]): number[] {
  return [...new Set(names.flatMap((name) => columns.get(name) ?? []))];
}

interface Regression {
  /** Solves for one table; gives the row of any item of the catalogue, shape [width]. */
  solve(width: number, rowOf: (item: number) => Float32Array): (item: number) => Float64Array;
}

/** Factorizes the normal equations Xᵀ W X + λ · diag(0, 1, …, 1) once: column 0 of X is the intercept's. */
function regression(
  attributes: readonly (readonly string[])[],
  trained: Int32Array,
  interactions: ArrayLike<number>,
): Regression {
  // An attribute that no trained item has tells nothing.
  const columns = columnsOf(Array.from(trained, (item) => attributes[item]));
  const size = columns.size + 1;
  const featuresOf = (item: number): number[] => [
    0,
    ...columnsIn(columns, attributes[item]).map((column) => column + 1),
  ];
  const features = Array.from(trained, featuresOf);
  const seldom = Float64Array.from(trained, (item) => 1 / interactions[item]);
  const mean = seldom.reduce((sum, weight) => sum + weight, 0) / seldom.length;
  const weights = seldom.map((weight) => weight / mean);
  const factor = new Float64Array(size * size);
  for (let column = 1; column < size; column++) factor[column * size + column] = ridge;
  features.forEach((own, n) => {
    for (const i of own) for (const j of own) factor[i * size + j] += weights[n];
  });
  factorize(factor, size);
  return {
    solve(width, rowOf) {
      const effects = Array.from({ length: width }, () => new Float64Array(size));
      trained.forEach((item, n) => {
        const row = rowOf(item);
        for (let k = 0; k < width; k++) for (const i of features[n]) effects[k][i] += weights[n] * row[k];
      });
      for (const effect of effects) solveFactorized(factor, effect, size);
      return (item) => {
        const own = featuresOf(item);
        return Float64Array.from(effects, (effect) => own.reduce((sum, i) => sum + effect[i], 0));
      };
    },
  };
}

function checkCatalogue(model: TrainedModel, { attributes, interactions }: ItemCatalogue): void {
  const items = model.itemRows.length;
  const fail = (expected: string, found: string): never => {
    throw new NcfError("CATALOGUE_INVALID", `expected ${expected}, found ${found}. Give the model's own sample`);
  };
  if (interactions.length !== items) fail(`the interactions of the model's ${items} items`, `${interactions.length}`);
  if (attributes.length < items)
    fail(`attributes of the model's ${items} items and of new ones`, `${attributes.length}`);
  if (!Array.from(interactions).some((count) => count > 0)) fail("an item with a training interaction", "none");
}
