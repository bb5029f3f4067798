/** `--init-from`: a model to start a training from. */
import { createHash } from "node:crypto";
import { FileObjectStore } from "../adapters/local/file-object-store.ts";
import type { ModelToStartFrom } from "../app/train-model.ts";
import { NcfError } from "../core/errors.ts";
import { decodeModel } from "../ncf/checkpoint.ts";

/** @throws NcfError `MODEL_NOT_FOUND`, those of `decodeModel` */
export async function readModelToStartFrom(folder: string): Promise<ModelToStartFrom> {
  const [store, key] = [new FileObjectStore(folder), "model.safetensors"];
  if ((await store.head(key)) === null) {
    const what = `--init-from: expected ${key} in ${folder}, found none. Name a model's folder, such as OUT/models/neumf`;
    throw new NcfError("MODEL_NOT_FOUND", what);
  }
  const bytes = await store.get(key);
  return { file: decodeModel(bytes, `${folder}/${key}`), sha256: createHash("sha256").update(bytes).digest("hex") };
}
