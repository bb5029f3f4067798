import { Rng, streamKey } from "../../src/core/rng.ts";
import type { NcfConfig } from "../../src/ncf/config.ts";
import type { TrainedModel } from "../../src/ncf/model.ts";
import { initialTensors, parameterTable } from "../../src/ncf/parameters.ts";

/**
 * A model that nothing has trained, as the seed draws it: what starts as a constant (batch norm, item bias) is drawn too,
 * variances from 0.2 to 3.2, and embeddings are wide enough for scores to differ. Embedding rows are not the sample's indices.
 */
export function drawnModel(preset: NcfConfig, seed: number, users: number, catalogue: number): TrainedModel {
  const wide = <Branch extends { readonly embeddingStd: number }>(branch: Branch | null): Branch | null =>
    branch === null ? null : { ...branch, embeddingStd: Math.max(0.3, branch.embeddingStd) };
  const config = { ...preset, mlp: wide(preset.mlp), gmf: wide(preset.gmf) };
  const [userRowCount, itemRowCount] = [users + 1, 2 * catalogue + 1];
  const table = parameterTable(config, userRowCount, itemRowCount);
  const tensors = initialTensors(table, seed);
  for (const [index, { name, initial }] of table.entries()) {
    if (initial.kind !== "constant") continue;
    const rng = new Rng(streamKey(seed, 0, index));
    const from = name.endsWith("running_var") ? 0.2 : -1;
    const to = name.endsWith("running_var") ? 3.2 : 1.5;
    const data = tensors.get(name)?.data ?? new Float32Array(0);
    for (let i = 0; i < data.length; i++) data[i] = from + (to - from) * rng.unit();
  }
  // What histories and item features would give.
  const plain = parameterTable({ ...config, history: null, itemFeatures: null }, userRowCount, itemRowCount);
  for (const [name, tensor] of initialTensors(plain, seed)) if (!tensors.has(name)) tensors.set(name, tensor);
  return {
    name: "drawn",
    config,
    tensors,
    userRows: Int32Array.from({ length: users }, (_, user) => users - user),
    itemRows: Int32Array.from({ length: catalogue }, (_, item) => 2 * item + 1),
  };
}
