import type { TrainingData } from "../../src/ncf/backend.ts";
import type { ItemFeaturesConfig } from "../../src/ncf/config.ts";
import { featuresOf } from "../../src/ncf/item-features.ts";
import type { TensorFlow, TfTensor } from "./tensorflow.ts";

/**
 * The features of each item row, 0 where it has none; the caller disposes of it.
 *
 * @throws NcfError `DATA_INVALID` where data and configuration do not fit
 */
export function featureMatrix(tf: TensorFlow, config: ItemFeaturesConfig, data: TrainingData): TfTensor {
  const width = config.names.length;
  const { offsets, features, values } = featuresOf(config, data);
  const matrix = new Float32Array(data.itemRowCount * width);
  data.itemRows.forEach((row, item) => {
    for (let at = offsets[item]; at < offsets[item + 1]; at++) matrix[row * width + features[at]] = values[at];
  });
  return tf.tensor(matrix, [data.itemRowCount, width], "float32");
}
