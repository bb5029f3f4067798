/** Listed items that nobody has touched in training: they start from their genres and period of release. */
import { trainingCounts } from "../core/leave-one-out.ts";
import type { ItemDetails } from "../core/ratings.ts";
import type { Sample } from "../core/sample.ts";
import { type AttributeProfile, attributesOf, createAttributeProfile } from "../ncf/attribute-profile.ts";
import type { TrainedModel } from "../ncf/model.ts";
import { withNewItems } from "../ncf/new-items.ts";

/** The items of a model's sample. */
export interface TrainedItems extends Pick<Sample, "itemIds"> {
  /** Shape [items]: training interactions. */
  readonly itemCounts: Int32Array;
}

export function trainedItems(sample: Sample): TrainedItems {
  return { itemIds: sample.itemIds, itemCounts: trainingCounts(sample) };
}

/** The model with rows from their genres for those items of its sample that have no training interaction. */
export function startUntrainedItems(
  model: TrainedModel,
  { itemIds, itemCounts }: TrainedItems,
  items: readonly ItemDetails[],
): TrainedModel {
  if (!itemCounts.includes(0)) return model;
  return withNewItems(model, { attributes: attributesOfAll(itemIds, items), interactions: itemCounts });
}

/** Model and sample with all listed items in the catalogue, those that the sample lacks started from their genres. */
export function withListedItems(
  model: TrainedModel,
  sample: Sample,
  items: readonly ItemDetails[],
): { model: TrainedModel; sample: Sample } {
  const listed = withListed(sample, items);
  const extended = withNewItems(model, {
    attributes: attributesOfAll(listed.appended, items),
    interactions: trainingCounts(sample),
  });
  const itemRows = listed.order.map((before) => extended.itemRows[before]);
  return { model: { ...extended, itemRows }, sample: listed.sample };
}

/** A sample with more items, and how they were put in order. */
interface ListedSample {
  readonly sample: Sample;
  /** Shape [items]: ids of the items as they were, then of the new ones. */
  readonly appended: Float64Array;
  /** Shape [items]: by index into the sample's items, the place among those appended. */
  readonly order: Int32Array;
}

/** The sample with all listed items in its catalogue. */
export function withListed(sample: Sample, items: readonly ItemDetails[]): ListedSample {
  const known = new Set(sample.itemIds);
  const added = items.map(({ id }) => id).filter((id) => !known.has(id));
  const appended = Float64Array.from([...sample.itemIds, ...new Set(added)]);
  // A sample's items ascend by id.
  const order = Int32Array.from(appended.keys()).sort((a, b) => appended[a] - appended[b]);
  const placeOf = new Int32Array(order.length);
  order.forEach((before, now) => {
    placeOf[before] = now;
  });
  return {
    appended,
    order,
    sample: {
      ...sample,
      itemIds: Float64Array.from(order, (before) => appended[before]),
      train: { ...sample.train, items: sample.train.items.map((item) => placeOf[item]) },
      testItems: sample.testItems.map((item) => (item < 0 ? item : placeOf[item])),
    },
  };
}

/** How well the sample's items fit a history, by their attributes. */
export function profileOf({ itemIds }: Pick<Sample, "itemIds">, items: readonly ItemDetails[]): AttributeProfile {
  return createAttributeProfile(attributesOfAll(itemIds, items), itemIds.length);
}

/** Shape [items]: none for an item that is not listed. */
export function attributesOfAll(itemIds: Float64Array, items: readonly ItemDetails[]): (readonly string[])[] {
  const listed = new Map<number, readonly string[]>();
  for (const item of items) listed.set(item.id, attributesOf(item));
  return Array.from(itemIds, (id) => listed.get(id) ?? []);
}

/** Shape [items]: attributes, and what people call the item: what a baseline is told of it. */
export function contentOfAll(itemIds: Float64Array, items: readonly ItemDetails[]): (readonly string[])[] {
  const tagsById = new Map(items.map(({ id, tags = [] }) => [id, tags.map((tag) => `tag ${tag}`)]));
  return attributesOfAll(itemIds, items).map((attributes, item) => [
    ...attributes,
    ...(tagsById.get(itemIds[item]) ?? []),
  ]);
}
