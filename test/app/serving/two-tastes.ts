import { userModelOf } from "../../../src/app/fitted-model.ts";
import { trainedItems } from "../../../src/app/new-items.ts";
import type { ModelToPublish } from "../../../src/app/published-model.ts";
import type { ServedModel } from "../../../src/app/serving/served-model.ts";
import { sampleHistories } from "../../../src/app/serving/trained-histories.ts";
import { numericId } from "../../../src/core/ids.ts";
import { undivided } from "../../../src/core/leave-one-out.ts";
import type { ItemDetails } from "../../../src/core/ratings.ts";
import type { Sample } from "../../../src/core/sample.ts";
import { encodeModel } from "../../../src/ncf/checkpoint.ts";
import { type NcfConfig, presets } from "../../../src/ncf/config.ts";
import { type TrainedModel, trainingData } from "../../../src/ncf/model.ts";
import { wasmBackend } from "../../../src/ncf/wasm/backend.ts";
import { createScorer } from "../../../src/ncf/wasm/scorer.ts";
import { facts } from "../../conformance/model-cards.ts";

export const users = 60;
export const items = 80;
const perUser = 25;

/** The id of the last user, and of the last item: text rather than a number. */
export const textUser = "ann/ü 100%";
export const textItem = "last one?";

export type Taste = "red" | "blue";

/**
 * Two tastes: users with an odd id have only watched items with an odd id, the others only the others; each lacks some of
 * their own colour. So the right recommendations are certain.
 */
function twoTastesSample(): Sample {
  const userIds = Float64Array.from({ length: users }, (_, user) => user + 1);
  const itemIds = Float64Array.from({ length: items }, (_, item) => item + 1);
  userIds[users - 1] = numericId(textUser);
  itemIds[items - 1] = numericId(textItem);
  const itemOf = (user: number, turn: number): number => (user % 2) + 2 * ((turn + (user >> 1)) % (items / 2));
  const trained = perUser - 1;
  return {
    userIds,
    itemIds,
    userLabels: new Map([[userIds[users - 1], textUser]]),
    itemLabels: new Map([[itemIds[items - 1], textItem]]),
    train: {
      offsets: Uint32Array.from({ length: users + 1 }, (_, user) => user * trained),
      items: Int32Array.from({ length: users * trained }, (_, i) => itemOf(Math.floor(i / trained), i % trained)),
      timestampsMs: Float64Array.from({ length: users * trained }, (_, i) => 1000 * (i % trained)),
    },
    testItems: Int32Array.from({ length: users }, (_, user) => itemOf(user, trained)),
    testTimestampsMs: new Float64Array(users).fill(1000 * trained),
  };
}

/** By id: odd ids are red. The last item has a text for an id, and is blue. */
export function tasteOf(itemId: string): Taste {
  return itemId !== textItem && Number(itemId) % 2 === 1 ? "red" : "blue";
}

const config: NcfConfig = { ...presets.mf, gmf: { embeddingSize: 8, embeddingStd: 0.1 } };

/** A model of those tastes in memory, well trained in a second. */
export async function twoTastesModel(): Promise<{ sample: Sample; model: TrainedModel }> {
  const sample = twoTastesSample();
  const data = trainingData(config, sample);
  const session = await wasmBackend().open(config, data, { seed: 3, threads: 1 });
  for (let epoch = 0; epoch < 40; epoch++) await session.run(session.stepsPerEpoch);
  const tensors = session.model();
  await session.close();
  return { sample, model: { name: "mf", config, tensors, userRows: data.userRows, itemRows: data.itemRows } };
}

/** Titles and genres of the sample's items. */
export function detailsOf({ itemIds }: Sample): ItemDetails[] {
  return Array.from(itemIds, (id, item) => ({
    id,
    title: `${item % 2 === 0 ? "Red" : "Blue"} film ${item + 1} (1990)`,
    genres: [item % 2 === 0 ? "Drama" : "Comedy"],
  }));
}

/** The same, ready to be served. */
export async function twoTastes(version = "v1"): Promise<ServedModel & { readonly sample: Sample }> {
  const { sample, model } = await twoTastesModel();
  const details = detailsOf(sample);
  return {
    version,
    dataset: { name: "two tastes", generated: true },
    sample,
    histories: sampleHistories(sample),
    items: details,
    userModel: userModelOf(createScorer, model, trainedItems(sample), details),
  };
}

/** That model as it is published, of all that its users did. */
export async function twoTastesToPublish(): Promise<{ model: TrainedModel; published: ModelToPublish }> {
  const { model, sample: divided } = await twoTastesModel();
  const sample = undivided(divided);
  const { name, config: settings, tensors } = model;
  const description = {
    name,
    config: settings,
    seed: 3,
    backend: "wasm",
    arithmetic: "any",
    epochs: 40,
    sample: "",
    data: "",
  };
  const { userIds, itemIds } = sample;
  const { cutOff: _, ...card } = facts;
  const bytes = encodeModel({ description, tensors, userIds, itemIds });
  return { model, published: { model: bytes, sample, items: detailsOf(sample), card, metrics: { hrAt10: 1 } } };
}
