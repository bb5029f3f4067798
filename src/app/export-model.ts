/** The use case of `ncf export`: a model in a format that other programs run. */
import { labelOf } from "../core/ids.ts";
import type { Sample } from "../core/sample.ts";
import { ncfOnnx, type OnnxUsers } from "../ncf/onnx/ncf-onnx.ts";
import { type FittedModel, networkOf } from "./fitted-model.ts";

/**
 * The model's scores as `ncf evaluate` judges them, without the profile of attributes that serving adds.
 *
 * @throws NcfError `MODEL_KIND` for a baseline, those of `ncfOnnx`
 */
export function exportOnnx(
  model: FittedModel,
  { userIds, itemIds, userLabels, itemLabels }: Pick<Sample, "userIds" | "itemIds" | "userLabels" | "itemLabels">,
  users: OnnxUsers,
): Uint8Array {
  const ids = {
    userIds: Array.from(userIds, (id) => labelOf(id, userLabels)),
    itemIds: Array.from(itemIds, (id) => labelOf(id, itemLabels)),
  };
  return ncfOnnx(networkOf(model, "exported to ONNX"), ids, users);
}
