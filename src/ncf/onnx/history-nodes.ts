/** The part of a graph that makes a user's vectors of `history`, as history.ts does. */
import { NcfError } from "../../core/errors.ts";
import { type HistoryBranch, HistoryVectors } from "../history.ts";
import type { TrainedModel } from "../model.ts";
import type { OnnxConstant, OnnxNode } from "./onnx-file.ts";

/** The end of a slice that goes on to the last. */
const toTheEnd = 2n ** 63n - 1n;

/** Shape [1, width] each: (Σ_k w_k h_k) · scale, and the mean of trained users' own rows where the network has such rows. */
export class HistoryNodes {
  readonly nodes: OnnxNode[] = [];
  readonly constants: OnnxConstant[] = [];
  /** The names of the vectors. */
  readonly vectors: { readonly mlp: string; readonly gmf: string };

  /** @throws NcfError `CONFIG_INVALID` for a network that knows users by rows of their own */
  constructor({ name, config, tensors, userRows, itemRows }: TrainedModel) {
    const { history = null } = config;
    if (history === null) {
      throw new NcfError(
        "CONFIG_INVALID",
        `expected a network that takes users by their history, found ${name}, which has a row for each. Export it for its ` +
          "trained users",
      );
    }
    const integers = (constant: string, ...values: bigint[]): string => {
      this.constants.push({ name: constant, shape: [values.length], data: BigInt64Array.from(values) });
      return constant;
    };
    const first = integers("first_axis", 0n);
    const ends = [integers("window_start", -BigInt(history.window)), integers("window_end", toTheEnd)];
    const newest = this.#node("Slice", ["history", ...ends, first], "newest");
    const count = this.#node("Shape", [newest], "newest_count");
    // Of the weights in the order of the window, oldest first, the newest ones that there are items for.
    const window = integers("window", BigInt(history.window));
    const start = this.#node("Sub", [window, count], "weights_start");
    const { branches } = new HistoryVectors(config, history, tensors, userRows);
    const shared = { newest, count, start, window, first, itemRows };
    this.vectors = {
      mlp: this.#branch("history_mlp", branches.mlp, shared),
      gmf: this.#branch("history_gmf", branches.gmf, shared),
    };
  }

  #branch(
    prefix: string,
    { width, table, own, meanOwn, weights, scales }: HistoryBranch,
    shared: Readonly<Record<"newest" | "count" | "start" | "window" | "first", string>> & { itemRows: Int32Array },
  ): string {
    const floats = (name: string, shape: readonly number[], values: ArrayLike<number>): string => {
      this.constants.push({ name: `${prefix}_${name}`, shape, data: Float32Array.from(values) });
      return `${prefix}_${name}`;
    };
    const node = (operator: string, inputs: readonly string[], output: string): string =>
      this.#node(operator, inputs, `${prefix}_${output}`);
    if (width === 0) return "";
    const { itemRows, newest, count, start, window, first } = shared;
    const rows = new Float32Array(itemRows.length * width);
    itemRows.forEach((row, item) => {
      rows.set(table.subarray(row * width, (row + 1) * width), item * width);
    });
    const taken = node("Gather", [floats("embedding", [itemRows.length, width], rows), newest], "rows");
    const weight = node(
      "Slice",
      [floats("weights", [weights.length], weights.toReversed()), start, window, first],
      "weight",
    );
    const sum = node("MatMul", [node("Unsqueeze", [weight, first], "weight_row"), taken], "sum");
    const scale = node("Gather", [floats("scales", [scales.length], scales), count], "scale");
    const scaled = node("Mul", [sum, scale], "scaled");
    return own.length === 0 ? scaled : node("Add", [scaled, floats("own", [1, width], meanOwn)], "vector");
  }

  #node(operator: string, inputs: readonly string[], output: string): string {
    this.nodes.push({ operator, inputs, output });
    return output;
  }
}
