/** Fits one baseline to a sample, with its model and a record of the fit in an object store. */
import { createHash } from "node:crypto";
import { z } from "zod";
import type { Baseline, BaselineKind, BaselineSettings, FitInput } from "../baselines/baseline.ts";
import { type BaselineDescription, baselineFile, encodeBaseline, holdsBaseline } from "../baselines/baseline-file.ts";
import { NcfError } from "../core/errors.ts";
import { decodeJson, encodeJson, encodeJsonFile } from "../core/json.ts";
import { decodeModelFrame } from "../core/model-file.ts";
import type { ItemDetails } from "../core/ratings.ts";
import type { Sample } from "../core/sample.ts";
import type { ObjectStore } from "../ports/object-store.ts";
import { contentOfAll } from "./new-items.ts";
import type { TrainDeps } from "./train-model.ts";

export interface FitRequest {
  readonly kind: BaselineKind;
  readonly settings: BaselineSettings;
  readonly sample: Sample;
  readonly sampleSha256: string;
  /** Titles and genres of the sample's items, as far as the source lists them. */
  readonly items: readonly ItemDetails[];
  /** Put before the files' names, such as "models/item-knn/". */
  readonly prefix: string;
  /** Takes the model of an earlier call with the same settings and data as it is. */
  readonly reuses: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface FitOutcome {
  readonly model: Baseline;
  /** Of the fit, also where that was an earlier call's. */
  readonly seconds: number;
  /** Of the model file: hex. */
  readonly sha256: string;
  readonly bytes: number;
  readonly reused: boolean;
}

/** `fit.json` beside a model: unlike the model file it depends on the clock. */
const recordSchema = z.object({
  model: z.string(),
  /** What it was fitted with; the model file may name more. */
  settings: z.record(z.string(), z.union([z.number(), z.string(), z.boolean(), z.null()])),
  modelSha256: z.string(),
  seconds: z.number(),
});

/** The fit's share goes from 0 to 1; a progress line counts. */
const progressSteps = 100;

/** @throws NcfError those of the kind's fit and of the store */
export async function fitBaseline(
  { store, progress, monotonicMs, log }: Pick<TrainDeps, "store" | "progress" | "monotonicMs" | "log">,
  request: FitRequest,
): Promise<FitOutcome> {
  const { kind, settings, sample, sampleSha256, prefix, signal } = request;
  const { name } = kind;
  const input = { sample, attributes: contentOfAll(sample.itemIds, request.items) };
  const fit = { settings, ...fittedTo(input, sampleSha256) };
  const keys = { model: `${prefix}model.safetensors`, record: `${prefix}fit.json` };
  const fitted = request.reuses ? await earlierFit(store, keys, fit) : null;
  if (fitted !== null) {
    log(`${name}: already fitted; remove ${keys.model} to fit it again`);
    return fitted;
  }
  const task = progress.start(`Fitting ${name}`, progressSteps, "%");
  const startMs = monotonicMs();
  const onProgress = (share: number): void => task.update(progressSteps * share);
  const model = await kind.fit(input, settings, { onProgress, signal });
  const seconds = (monotonicMs() - startMs) / 1000;
  task.update(progressSteps);
  task.end();
  const bytes = encodeFit(model, input, sampleSha256);
  const sha256 = sha256Of(bytes);
  // The model goes last: where it lies, its record is there.
  await store.put(keys.record, encodeJsonFile({ model: name, settings, modelSha256: sha256, seconds }));
  await store.put(keys.model, bytes);
  return { model, seconds, sha256, bytes: bytes.length, reused: false };
}

/** The model file of a fit. */
export function encodeFit(model: Baseline, input: FitInput, sampleSha256: string): Uint8Array {
  const { userIds, itemIds } = input.sample;
  return encodeBaseline(model, { ...fittedTo(input, sampleSha256), userIds, itemIds });
}

function fittedTo({ attributes }: FitInput, sample: string): Pick<BaselineDescription, "sample" | "attributes"> {
  return { sample, attributes: sha256Of(encodeJson(attributes)) };
}

/** What an earlier call with the same settings and data left; null where there is nothing of the kind. */
async function earlierFit(
  store: ObjectStore,
  keys: { readonly model: string; readonly record: string },
  expected: Omit<BaselineDescription, "name">,
): Promise<FitOutcome | null> {
  if ((await store.head(keys.model)) === null || (await store.head(keys.record)) === null) return null;
  const { settings, modelSha256, seconds } = parseRecord(await store.get(keys.record), keys.record);
  const bytes = await store.get(keys.model);
  const sha256 = sha256Of(bytes);
  const frame = decodeModelFrame(bytes, keys.model);
  const { length } = bytes;
  if (sha256 !== modelSha256 || !holdsBaseline(frame)) return null;
  const { sample, attributes } = frame.description as BaselineDescription;
  if (JSON.stringify({ settings, sample, attributes }) !== JSON.stringify(expected)) return null;
  return { model: baselineFile(frame, keys.model).baseline, seconds, sha256, bytes: length, reused: true };
}

function parseRecord(bytes: Uint8Array, what: string): z.infer<typeof recordSchema> {
  try {
    return recordSchema.parse(decodeJson(bytes));
  } catch (cause) {
    throw new NcfError("FILE_FOREIGN", `${what}: expected the record of a fit; remove it and fit again`, { cause });
  }
}

function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
