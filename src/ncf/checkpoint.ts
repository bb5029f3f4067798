/** The two files of a training run: the checkpoint, which resumes it, and the model, which is its result. */
import { z } from "zod";
import { NcfError } from "../core/errors.ts";
import { decodeModelFrame, encodeModelFrame, foreignModel, type ModelFrame } from "../core/model-file.ts";
import { checksum, decodeSafetensors, encodeSafetensors, type StoredTensor } from "../core/safetensors.ts";
import type { TrainingData, TrainingState } from "./backend.ts";
import type { NcfConfig } from "./config.ts";
import type { Tensor, TensorMap } from "./parameters.ts";

const formatVersion = "1";

/** What must be equal for a checkpoint to continue a run bit for bit. */
export interface RunIdentity {
  readonly config: NcfConfig;
  readonly seed: number;
  readonly backend: string;
  readonly arithmetic: string;
  /** sha256 of the sample, as its manifest says. */
  readonly sample: string;
  /** See `dataFingerprint`. */
  readonly data: string;
  /** Epochs without a better validation HR@10 after which training stops; null without early stopping. */
  readonly patience: number | null;
}

/** The mean loss of the steps after the previous point, up to and with `step`. */
export interface CurvePoint {
  readonly step: number;
  readonly loss: number;
}

/** Mean training loss, in equal parts of an epoch, and per epoch what validation said. */
export interface TrainingHistory {
  /** The loss curve so far. */
  readonly curve: readonly CurvePoint[];
  /** The sum and number of step losses of the point under way. */
  readonly pending: { readonly sum: number; readonly count: number };
  /** Validation HR@10 after each epoch; empty without early stopping. */
  readonly validation: readonly number[];
  /** Seconds of training so far. */
  readonly seconds: number;
}

export interface Checkpoint {
  readonly identity: RunIdentity;
  readonly state: TrainingState;
  readonly history: TrainingHistory;
  /** The tensors of the best epoch so far, under early stopping. */
  readonly best: TensorMap | null;
  /** The mean over the latest epochs, for configurations that ask for it. */
  readonly average: TensorMap | null;
}

/** A fingerprint of what is trained on; equal data gives equal text. */
export function dataFingerprint(data: TrainingData): string {
  const { places, itemFeatures } = data;
  const parts: ArrayBufferView[] = [data.offsets, data.positives, data.userRows, data.itemRows];
  if (places !== undefined) parts.push(places);
  if (itemFeatures !== undefined) parts.push(itemFeatures.offsets, itemFeatures.features, itemFeatures.values);
  return parts.map((part) => checksum(new Uint8Array(part.buffer, part.byteOffset, part.byteLength))).join("-");
}

const historySchema = z.object({
  curve: z.array(z.object({ step: z.number(), loss: z.number() })),
  pending: z.object({ sum: z.number(), count: z.number() }),
  validation: z.array(z.number()),
  seconds: z.number(),
});

/** How tensors are named that are no part of the state. */
const prefixes = { best: "best.", average: "average." };

export function encodeCheckpoint({ identity, state, history, best, average }: Checkpoint): Uint8Array {
  const tensors = new Map<string, Tensor>(state.tensors);
  for (const [name, tensor] of best ?? []) tensors.set(prefixes.best + name, tensor);
  for (const [name, tensor] of average ?? []) tensors.set(prefixes.average + name, tensor);
  return encodeSafetensors({
    metadata: {
      kind: "ncf-checkpoint",
      formatVersion,
      identity: JSON.stringify(identity),
      step: String(state.step),
      history: JSON.stringify(history),
    },
    tensors,
  });
}

/**
 * Reads a checkpoint of the run that `identity` names.
 *
 * @throws NcfError `FILE_DAMAGED`, `FILE_FOREIGN`, `FILE_VERSION`, or `CHECKPOINT_MISMATCH` when it belongs to a run
 *   with other data, settings or rounding
 */
export function decodeCheckpoint(bytes: Uint8Array, what: string, identity: RunIdentity): Checkpoint {
  const { metadata, tensors } = decodeSafetensors(bytes, what);
  checkKind(metadata, "ncf-checkpoint", what);
  const found = parseJson(metadata.identity, what) as Record<string, unknown>;
  for (const [field, expected] of Object.entries(identity)) {
    if (JSON.stringify(found[field]) === JSON.stringify(expected)) continue;
    throw new NcfError(
      "CHECKPOINT_MISMATCH",
      `${what}: expected a checkpoint with ${field} ${JSON.stringify(expected)}, ` +
        `found ${JSON.stringify(found[field])}. Choose another output folder, or remove the checkpoint to start anew`,
    );
  }
  const state = new Map<string, Tensor>();
  const best = new Map<string, Tensor>();
  const average = new Map<string, Tensor>();
  for (const [name, tensor] of floatTensors(tensors)) {
    if (name.startsWith(prefixes.best)) best.set(name.slice(prefixes.best.length), tensor);
    else if (name.startsWith(prefixes.average)) average.set(name.slice(prefixes.average.length), tensor);
    else state.set(name, tensor);
  }
  return {
    identity,
    state: { step: Number(metadata.step), tensors: state },
    history: historySchema.parse(parseJson(metadata.history, what)),
    best: best.size === 0 ? null : best,
    average: average.size === 0 ? null : average,
  };
}

/** What a model file says beside its tensors. Nothing in it depends on the clock, the machine or the thread count. */
export interface ModelDescription {
  readonly name: string;
  readonly config: NcfConfig;
  readonly seed: number;
  readonly backend: string;
  readonly arithmetic: string;
  /** Epochs that went into the tensors. */
  readonly epochs: number;
  /** sha256 of the sample that it was trained on; another one may hold its test items in training. */
  readonly sample: string;
  readonly data: string;
  /** sha256 of the model file that the training started from; absent where it started from the seed's values. */
  readonly initFrom?: string;
}

export interface ModelFile {
  readonly description: ModelDescription;
  readonly tensors: TensorMap;
  /** Shape [users], ascending numeric ids; with compact ids, embedding row i belongs to userIds[i]. */
  readonly userIds: Float64Array;
  readonly itemIds: Float64Array;
}

const modelKind = "ncf-model";

export function encodeModel(file: ModelFile): Uint8Array {
  return encodeModelFrame({ kind: modelKind, ...file });
}

/** @throws NcfError `FILE_DAMAGED`, `FILE_FOREIGN` or `FILE_VERSION` */
export function decodeModel(bytes: Uint8Array, what: string): ModelFile {
  const frame = decodeModelFrame(bytes, what);
  if (!holdsNcfModel(frame)) throw foreignModel(what, `an ${modelKind} file`, frame.kind);
  return ncfModelFile(frame);
}

/** Whether a model file is one of this family. */
export function holdsNcfModel({ kind }: ModelFrame): boolean {
  return kind === modelKind;
}

/** The content of a frame that holds an NCF model. */
export function ncfModelFile({ description, tensors, userIds, itemIds }: ModelFrame): ModelFile {
  return { description: description as ModelDescription, tensors: floatTensors(tensors), userIds, itemIds };
}

function checkKind(metadata: Readonly<Record<string, string>>, kind: string, what: string): void {
  if (metadata.kind !== kind) throw foreignModel(what, `an ${kind} file`, metadata.kind ?? "no kind in its metadata");
  if (metadata.formatVersion !== formatVersion) {
    throw new NcfError(
      "FILE_VERSION",
      `${what}: this program reads ${kind} version ${formatVersion}, found version ${metadata.formatVersion}. ` +
        "Use the program version that wrote it, or make it anew",
    );
  }
}

function parseJson(text: string | undefined, what: string): unknown {
  try {
    return JSON.parse(text ?? "");
  } catch (cause) {
    throw new NcfError("FILE_FOREIGN", `${what}: expected JSON in its metadata, found "${text}"`, { cause });
  }
}

function floatTensors(tensors: ReadonlyMap<string, StoredTensor>): Map<string, Tensor> {
  const floats = new Map<string, Tensor>();
  for (const [name, { shape, data }] of tensors) if (data instanceof Float32Array) floats.set(name, { shape, data });
  return floats;
}
