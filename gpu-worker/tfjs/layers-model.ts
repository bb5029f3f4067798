/** A trained model as a TensorFlow.js LayersModel: two row numbers in, the probability of an interaction out. */
import type { TrainedModel } from "../../src/ncf/model.ts";
import { parameterTable } from "../../src/ncf/parameters.ts";
import { buildNetwork } from "./network.ts";
import type { LayersModel, TensorFlow } from "./tensorflow.ts";
import { weightOf, writeValues } from "./weights.ts";

/**
 * The model in layers, with inputs `user_row` and `item_row` of shape [batch, 1]; the caller disposes of it.
 *
 * @throws NcfError `STATE_INVALID` for tensors that are not the configuration's
 */
export function layersModel(
  tf: TensorFlow,
  { config: trained, tensors }: Pick<TrainedModel, "config" | "tensors">,
): LayersModel {
  // What histories and features give lies in the model's tensors as if it were rows.
  const config = { ...trained, history: null, itemFeatures: null };
  const rows = {
    userRowCount: rowsOf(tensors, ["user_embedding.weight", "gmf_user_embedding.weight"]),
    itemRowCount: rowsOf(tensors, ["item_embedding.weight", "gmf_item_embedding.weight"]),
  };
  const { model, weights } = buildNetwork(tf, config, rows, "serving");
  for (const spec of parameterTable(config, rows.userRowCount, rows.itemRowCount)) {
    const { variable, transposed } = weightOf(weights, spec.name);
    writeValues(tf, { variable: variable.read(), transposed }, tensors, spec);
  }
  return model;
}

/** The files of a saved LayersModel, as `tf.loadLayersModel` reads them from beside each other: by name, their bytes. */
export async function layersModelFiles(
  tf: TensorFlow,
  trained: Pick<TrainedModel, "config" | "tensors">,
): Promise<Map<string, Uint8Array>> {
  const model = layersModel(tf, trained);
  const files = new Map<string, Uint8Array>();
  const handler = tf.io.withSaveHandler(async ({ modelTopology, weightSpecs, weightData, ...facts }) => {
    const parts = weightData instanceof ArrayBuffer ? [weightData] : (weightData ?? []);
    const weightsManifest = [{ paths: ["weights.bin"], weights: weightSpecs }];
    files.set("model.json", new TextEncoder().encode(JSON.stringify({ modelTopology, ...facts, weightsManifest })));
    files.set("weights.bin", new Uint8Array(Buffer.concat(parts.map((part) => new Uint8Array(part)))));
    return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: "JSON" } };
  });
  await model.save(handler);
  model.dispose();
  return files;
}

function rowsOf(tensors: TrainedModel["tensors"], names: readonly string[]): number {
  return names.map((name) => tensors.get(name)?.shape[0] ?? 0).find((rows) => rows > 0) ?? 0;
}
