/**
 * Where a training starts that goes on from a model of other data: pretrain and fine-tune. The network is taken over,
 * an item's rows move by its id, whatever the catalogues are, and what the other model does not know starts from the
 * seed's values as in any training. Ids of users mean nothing across data sets, so a user's row is folded in from what they
 * did with the items that both know; who did nothing with those starts from the seed's values, too.
 */
import { NcfError } from "../core/errors.ts";
import { indexOfId } from "../core/ids.ts";
import type { Sample } from "../core/sample.ts";
import type { ModelFile } from "./checkpoint.ts";
import type { NcfConfig } from "./config.ts";
import { createFoldIn } from "./fold-in.ts";
import { embeddingRows } from "./model.ts";
import { initialTensors, type ParameterSpec, parameterTable, type Tensor, type TensorMap } from "./parameters.ts";

export interface TransferredStart {
  readonly tensors: TensorMap;
  /** Items of the sample that the other model knows. */
  readonly items: number;
  /** Users with a folded-in row. */
  readonly users: number;
}

/**
 * @param base a model of any data
 * @param config of the training that starts; sizes, branches and history input must be those of `base`
 * @throws NcfError `INIT_MISMATCH` for another network, or a model that knows none of the items
 */
export function transferredStart(base: ModelFile, config: NcfConfig, sample: Sample, seed: number): TransferredStart {
  const rows = embeddingRows(config, sample);
  const table = parameterTable(config, rows.userRowCount, rows.itemRowCount);
  const { name, config: baseConfig } = base.description;
  const baseRows = embeddingRows(baseConfig, base);
  const known = Int32Array.from(sample.itemIds, (id) => indexOfId(base.itemIds, id));
  const items = known.reduce((count, item) => count + (item >= 0 ? 1 : 0), 0);
  if (items === 0) {
    throw new NcfError(
      "INIT_MISMATCH",
      `expected a model that knows some of the ${known.length} items of the sample, found ${name} with ${base.itemIds.length} ` +
        "others. Give one that was trained on data with the same item ids",
    );
  }
  const folded = foldedUsers(base, baseRows, sample, known);
  const tensors = new Map<string, Tensor>();
  for (const [tensorName, initial] of initialTensors(table, seed)) {
    const spec = table.find((candidate) => candidate.name === tensorName);
    const found = base.tensors.get(tensorName);
    if (spec === undefined || !suits(spec, found)) throw otherNetwork(name, tensorName, initial, found);
    if (spec.kind !== "rows") {
      tensors.set(tensorName, found);
      continue;
    }
    const width = initial.shape[1];
    const data = initial.data.slice();
    if (tensorName.includes("item_feature_")) {
      // Features move by their name.
      config.itemFeatures?.names.forEach((feature, index) => {
        const from = (baseConfig.itemFeatures?.names.indexOf(feature) ?? -1) * width;
        if (from >= 0) data.set(found.data.subarray(from, from + width), index * width);
      });
    } else if (!tensorName.includes("user_embedding")) {
      known.forEach((item, index) => {
        if (item < 0) return;
        const from = baseRows.itemRows[item] * width;
        data.set(found.data.subarray(from, from + width), rows.itemRows[index] * width);
      });
    } else if (!tensorName.includes("own_")) {
      for (const [user, row] of folded)
        data.set(tensorName.startsWith("gmf_") ? row.gmf : row.mlp, rows.userRows[user] * width);
    }
    tensors.set(tensorName, { shape: initial.shape, data });
  }
  return { tensors, items, users: folded.size };
}

/** By user of the sample: the row that the base's fold-in gives for the items that it knows. */
function foldedUsers(base: ModelFile, rows: ReturnType<typeof embeddingRows>, { train }: Sample, known: Int32Array) {
  const { name, config } = base.description;
  const foldIn = createFoldIn({ name, config, tensors: base.tensors, ...rows });
  const folded = new Map<number, ReturnType<typeof foldIn.row>>();
  if (config.history) return folded;
  for (let user = 0; user + 1 < train.offsets.length; user++) {
    const history = train.items.subarray(train.offsets[user], train.offsets[user + 1]);
    const shared = history.map((item) => known[item]).filter((item) => item >= 0);
    if (shared.length > 0) folded.set(user, foldIn.row(shared));
  }
  return folded;
}

/** Tables may have other rows, all else must be as it is. */
function suits({ shape, kind }: ParameterSpec, found: Tensor | undefined): found is Tensor {
  const from = kind === "rows" ? 1 : 0;
  return found?.shape.length === shape.length && shape.slice(from).every((n, axis) => n === found.shape[axis + from]);
}

function otherNetwork(name: string, tensor: string, expected: Tensor, found: Tensor | undefined): NcfError {
  const shape = (of: Tensor): string => `[${of.shape.join(", ")}]`;
  return new NcfError(
    "INIT_MISMATCH",
    `expected a model with the settings of the training that starts from it, found ${name} with ` +
      `${found === undefined ? "no" : `shape ${shape(found)} of`} ${tensor}, where the training has ${shape(expected)}. Train ` +
      "it with the same preset and settings",
  );
}
