/** Reads a trained model and fits it to a sample. */
import { createHash } from "node:crypto";
import { NcfError } from "../core/errors.ts";
import { decodeModel } from "../ncf/checkpoint.ts";
import { embeddingRows, type TrainedModel } from "../ncf/model.ts";
import type { ObjectStore } from "../ports/object-store.ts";
import type { SampleFiles } from "../ports/sample-store.ts";

export interface StoredModel {
  readonly model: TrainedModel;
  /** Of model.safetensors, hex. */
  readonly sha256: string;
}

/**
 * The model in `store`, with the embedding row of each user and item of the sample.
 *
 * @throws NcfError `MODEL_NOT_FOUND`, `MODEL_SAMPLE_MISMATCH` when it was trained on another sample, and those of `decodeModel`
 */
export async function readModel(
  store: ObjectStore,
  { sample, manifest }: Pick<SampleFiles, "sample" | "manifest">,
): Promise<StoredModel> {
  const key = "model.safetensors";
  if ((await store.head(key)) === null) {
    throw new NcfError("MODEL_NOT_FOUND", `expected ${key} in the model's folder, found none. Train one: ncf train`);
  }
  const bytes = await store.get(key);
  const file = decodeModel(bytes, key);
  if (file.description.sample !== manifest.sha256) {
    throw new NcfError(
      "MODEL_SAMPLE_MISMATCH",
      `expected a model trained on this sample, but ${file.description.name} was trained on another one, which may hold ` +
        "this one's test items. Give the sample that it was trained on, or train one on this sample",
    );
  }
  const { userRows, itemRows } = embeddingRows(file.description.config, sample);
  const { name, config } = file.description;
  return {
    model: { name, config, tensors: file.tensors, userRows, itemRows },
    sha256: createHash("sha256").update(bytes).digest("hex"),
  };
}
