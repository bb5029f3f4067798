/** Reads a model and the sample that it was fitted to. */
import { createHash } from "node:crypto";
import { NcfError } from "../core/errors.ts";
import type { ObjectStore } from "../ports/object-store.ts";
import type { SampleFiles } from "../ports/sample-store.ts";
import type { FittedModel } from "./fitted-model.ts";
import { decodeFittedModel } from "./model-file.ts";

export interface StoredModel {
  readonly model: FittedModel;
  /** Of model.safetensors, hex. */
  readonly sha256: string;
}

/**
 * The model in `store`, of any kind.
 *
 * @throws NcfError `MODEL_NOT_FOUND`, `MODEL_SAMPLE_MISMATCH` when it was trained on another sample, and those of
 *   `decodeFittedModel`
 */
export async function readModel(store: ObjectStore, { manifest }: Pick<SampleFiles, "manifest">): Promise<StoredModel> {
  const key = "model.safetensors";
  if ((await store.head(key)) === null) {
    throw new NcfError("MODEL_NOT_FOUND", `expected ${key} in the model's folder, found none. Train one: ncf train`);
  }
  const bytes = await store.get(key);
  const { model, sampleSha256 } = decodeFittedModel(bytes, key);
  if (sampleSha256 !== manifest.sha256) {
    throw new NcfError(
      "MODEL_SAMPLE_MISMATCH",
      `expected a model trained on this sample, but ${model.name} was trained on another one, which may hold ` +
        "this one's test items. Give the sample that it was trained on, or train one on this sample",
    );
  }
  return { model, sha256: createHash("sha256").update(bytes).digest("hex") };
}
