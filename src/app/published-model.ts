/** A model version as the registry holds it, and as serving and streams use it. */
import { z } from "zod";
import { NcfError } from "../core/errors.ts";
import { newestTrainingMs, trainingCounts } from "../core/leave-one-out.ts";
import type { ItemDetails } from "../core/ratings.ts";
import type { Sample } from "../core/sample.ts";
import type { CardFacts, JsonValue, LoadedModel, ModelCard, ModelRegistry } from "../ports/model-registry.ts";
import { decodeSnapshot, encodeSnapshot } from "../streaming/history-snapshot.ts";
import { historiesOf, trainingOf } from "../streaming/sample-histories.ts";
import type { FittedModel } from "./fitted-model.ts";
import { decodeFittedModel } from "./model-file.ts";

/** Checks many small values in one look: a schema for each would take a service's start a tenth of a second. */
function all<T>(holds: (value: unknown) => boolean, expected: string) {
  return z.custom<readonly T[]>((found) => Array.isArray(found) && found.every(holds), `expected ${expected}`);
}

function isItem(value: unknown): boolean {
  const { id, title, genres, tags = [] } = (value ?? {}) as Record<string, unknown>;
  const areWords = (list: unknown): boolean => Array.isArray(list) && list.every((word) => typeof word === "string");
  return typeof title === "string" && areWords(genres) && areWords(tags) && Number.isSafeInteger(id);
}

function isLabel(value: unknown): boolean {
  return Array.isArray(value) && value.length === 2 && Number.isSafeInteger(value[0]) && typeof value[1] === "string";
}

const countsSchema = all<number>((count) => Number.isSafeInteger(count) && Number(count) >= 0, "whole numbers");
const labelsSchema = all<readonly [id: number, text: string]>(isLabel, "ids with their text");

/** `catalogue.json` of a version: what the ids in the model stand for. */
const catalogueSchema = z.object({
  /** Titles, genres and tags, as far as the source lists them, by numeric id. */
  items: all<ItemDetails>(isItem, "items with id, title and genres"),
  /** Original text of those ids that are not integers. */
  userLabels: labelsSchema,
  itemLabels: labelsSchema,
  /** Interactions in snapshot 0, by user and by item of the model, so that it need not be read to count them. */
  counts: z.object({ users: countsSchema, items: countsSchema }).optional(),
});

export interface ModelToPublish {
  /** The bytes of model.safetensors. */
  readonly model: Uint8Array;
  /** What it was trained on, nothing held out: becomes snapshot 0. */
  readonly sample: Sample;
  readonly items: readonly ItemDetails[];
  /** The cut-off is the time of the newest interaction, where it is not given. */
  readonly card: Omit<CardFacts, "cutOff"> & Partial<Pick<CardFacts, "cutOff">>;
  readonly metrics: JsonValue;
}

export interface PublishedModel {
  readonly card: ModelCard;
  readonly model: FittedModel;
  readonly sample: Sample;
  readonly items: readonly ItemDetails[];
}

/** A version without its histories. */
export interface DecodedVersion {
  readonly model: FittedModel;
  readonly sample: Pick<Sample, "userIds" | "itemIds" | "userLabels" | "itemLabels">;
  readonly items: readonly ItemDetails[];
  /** Interactions by user and by item; null in versions that do not say. */
  readonly counts: { readonly users: readonly number[]; readonly items: readonly number[] } | null;
}

/** Stores a new version with its snapshot 0. @throws NcfError those of the registry */
export function publishModel(registry: ModelRegistry, published: ModelToPublish): Promise<ModelCard> {
  const { model, sample, items, card, metrics } = published;
  const place = { partitionCount: 0, partition: 0, offset: 0, streamTimeMs: null, ended: false, base: "" };
  return registry.publish({
    model,
    metrics,
    catalogue: {
      items: items.map(({ id, title, genres, tags }) => ({
        id,
        title,
        genres: [...genres],
        ...(tags && { tags: [...tags] }),
      })),
      userLabels: [...sample.userLabels],
      itemLabels: [...sample.itemLabels],
      counts: {
        users: Array.from(sample.userIds, (_, user) => sample.train.offsets[user + 1] - sample.train.offsets[user]),
        items: Array.from(trainingCounts(sample)),
      },
    },
    card: { ...card, cutOff: card.cutOff ?? { eventTimeMs: newestTrainingMs(sample) } },
    snapshot0: encodeSnapshot(place, historiesOf(sample)),
  });
}

/**
 * The version with the histories of its snapshot 0 as its sample.
 *
 * @throws NcfError `VERSION_UNKNOWN`, `FILE_DAMAGED`, `FILE_FOREIGN`
 */
export async function readPublished(registry: ModelRegistry, version: string): Promise<PublishedModel> {
  const loaded = await registry.load(version);
  const snapshot = await registry.snapshot0(version);
  const { model, sample: ids, items } = decodeVersion(loaded);
  if (snapshot === null) throw foreign(version, "no histories");
  const { histories } = decodeSnapshot(snapshot, `snapshot 0 of ${version}`);
  const users = ids.userIds.length;
  const sample: Sample = {
    ...ids,
    train: trainingOf(histories, ids.userIds, ids.itemIds),
    testItems: new Int32Array(users).fill(-1),
    testTimestampsMs: new Float64Array(users).fill(Number.NaN),
  };
  return { card: loaded.card, model, sample, items };
}

/** @throws NcfError `FILE_DAMAGED`, `FILE_FOREIGN` */
export function decodeVersion({ card: { version }, model, catalogue }: LoadedModel): DecodedVersion {
  const names = catalogueSchema.safeParse(catalogue);
  if (!names.success) throw foreign(version, `another catalogue.json (${z.prettifyError(names.error)})`);
  const { items, userLabels, itemLabels, counts = null } = names.data;
  // The registry has compared every file with its card.
  const { model: fitted, userIds, itemIds } = decodeFittedModel(model, `models/${version}/model.safetensors`, true);
  const sample = { userIds, itemIds, userLabels: new Map(userLabels), itemLabels: new Map(itemLabels) };
  return { model: fitted, sample, items, counts };
}

function foreign(version: string, found: string): NcfError {
  return new NcfError(
    "FILE_FOREIGN",
    `expected version ${version} with a catalogue and user histories, found ${found}. Publish it with ncf run`,
  );
}
