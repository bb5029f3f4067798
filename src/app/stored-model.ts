/** Reads a trained model and fits it to a sample. */
import { NcfError } from "../core/errors.ts";
import type { Sample } from "../core/sample.ts";
import { decodeModel, type ModelFile } from "../ncf/checkpoint.ts";
import type { TrainedModel } from "../ncf/model.ts";
import type { ObjectStore } from "../ports/object-store.ts";

/**
 * The model in `store` with the embedding row of each user and item of the sample.
 *
 * @throws NcfError `MODEL_NOT_FOUND`, `MODEL_SAMPLE_MISMATCH` when the sample has users or items that the model was not
 *   trained on, and those of `decodeModel`
 */
export async function readModel(store: ObjectStore, sample: Sample): Promise<TrainedModel> {
  const key = "model.safetensors";
  if ((await store.head(key)) === null) {
    throw new NcfError("MODEL_NOT_FOUND", `expected ${key} in the model's folder, found none. Train one: ncf train`);
  }
  const file = decodeModel(await store.get(key), key);
  return {
    name: file.description.name,
    config: file.description.config,
    tensors: file.tensors,
    userRows: rowsOf("user", sample.userIds, file.userIds, file),
    itemRows: rowsOf("item", sample.itemIds, file.itemIds, file),
  };
}

function rowsOf(what: string, ids: Float64Array, trainedIds: Float64Array, { description }: ModelFile): Int32Array {
  const indexOf = new Map<number, number>();
  for (let index = 0; index < trainedIds.length; index++) indexOf.set(trainedIds[index], index);
  return Int32Array.from(ids, (id) => {
    const index = indexOf.get(id);
    if (index === undefined) {
      throw new NcfError(
        "MODEL_SAMPLE_MISMATCH",
        `expected a model trained on this sample, but ${description.name} does not know ${what} ${id}. ` +
          "Give the sample that it was trained on, or train one on this sample",
      );
    }
    return description.config.ids === "raw" ? id : index;
  });
}
