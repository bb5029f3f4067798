/** Reads a model file of any kind. */
import { baselineFile, holdsBaseline } from "../baselines/baseline-file.ts";
import { decodeModelFrame, foreignModel } from "../core/model-file.ts";
import type { Sample } from "../core/sample.ts";
import { holdsNcfModel, ncfModelFile } from "../ncf/checkpoint.ts";
import { embeddingRows } from "../ncf/model.ts";
import type { FittedModel } from "./fitted-model.ts";

export interface DecodedModel extends Pick<Sample, "userIds" | "itemIds"> {
  readonly model: FittedModel;
  /** sha256 of the sample that it was fitted to. */
  readonly sampleSha256: string;
}

/**
 * @param bytes belong to the model from then on
 * @param what names the file in errors
 * @param isChecked see `decodeSafetensors`
 * @throws NcfError `FILE_DAMAGED`, `FILE_FOREIGN` or `FILE_VERSION`
 */
export function decodeFittedModel(bytes: Uint8Array, what: string, isChecked = false): DecodedModel {
  const frame = decodeModelFrame(bytes, what, isChecked);
  const { userIds, itemIds } = frame;
  if (holdsBaseline(frame)) {
    const { description, baseline } = baselineFile(frame, what);
    return { model: baseline, sampleSha256: description.sample, userIds, itemIds };
  }
  if (!holdsNcfModel(frame)) throw foreignModel(what, "a model file of ncf-stream", frame.kind);
  const { description, tensors } = ncfModelFile(frame);
  const { name, config, sample: sampleSha256 } = description;
  const { userRows, itemRows } = embeddingRows(config, { userIds, itemIds });
  return { model: { name, config, tensors, userRows, itemRows }, sampleSha256, userIds, itemIds };
}
