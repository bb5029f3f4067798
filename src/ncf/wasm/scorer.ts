/** The fast scorer: a trained model as a `Recommender`, computed by kernels/score.ts. */
import { readFileSync } from "node:fs";
import type { Recommender } from "../../core/recommender.ts";
import * as slot from "../kernels/scoring-layout.ts";
import type { TrainedModel } from "../model.ts";
import type { UserRow } from "../user-row.ts";
import { type DenseLayer, dataOf, foldMlp } from "./folding.ts";

const pageBytes = 65536;
let compiled: WebAssemblyModule | null = null;

/** Outputs of a panel of weights in kernels/paired-rows.ts and kernels/gemm.ts. */
const panelOutputs = 16;
const gemmOutputs = 8;
/** What a buffer's pair of rows, and each row, holds beside the activations, in floats: see kernels/paired-rows.ts. */
const pairHead = 4;
const rowTail = 4;
/** Whose item halves are computed in one call. */
const itemsAtOnce = 64;

interface ScoringKernels {
  gemm(
    a: number,
    rowA: number,
    w: number,
    bias: number,
    c: number,
    rowC: number,
    rows: number,
    inputs: number,
    outputs: number,
    relu: 0 | 1,
  ): void;
  scoreItems(count: number): void;
}

/** A recommender that also scores for users who have no row in the model, such as those of fold-in.ts. */
export interface RowScorer extends Recommender {
  /** As `score`, for a user row by itself. */
  scoreRow(row: UserRow, items: Int32Array, scores: Float64Array): void;
}

/**
 * A recommender whose scores are logits. The item half of the first layer is computed here, once; the scorer keeps
 * what it needs of the model in a memory of its own.
 */
export function createScorer(model: TrainedModel): RowScorer {
  return new WasmScorer(model);
}

class WasmScorer implements RowScorer {
  readonly name: string;
  readonly #model: TrainedModel;
  readonly #kernels: ScoringKernels;
  readonly #floats: Float32Array;
  readonly #itemList: Int32Array;
  readonly #logits: Float32Array;
  readonly #userHalf: Float32Array;
  readonly #userGmf: Float32Array;
  readonly #first: DenseLayer | null;

  constructor(model: TrainedModel) {
    this.name = model.name;
    this.#model = model;
    const { config, tensors, itemRows } = model;
    const { hidden, output, outputBias } = foldMlp(config, tensors);
    const [first = null] = hidden;
    this.#first = first;
    const firstWidth = first?.outputs ?? 0;
    const gmfWidth = config.gmf?.embeddingSize ?? 0;
    const items = itemRows.length;

    let top = slot.scoringDescriptor + slot.scoringDescriptorBytes;
    const place = (floats: number): number => {
      const at = top;
      top += Math.ceil(floats / 16) * 64;
      return at;
    };
    const embeddingWidth = config.mlp?.embeddingSize ?? 0;
    const rowFloats = Math.max(embeddingWidth, ...hidden.map(({ outputs }) => padded(outputs))) + rowTail;
    const bufferFloats = (slot.blockItems / 2) * (pairHead + 3 * rowFloats);
    const at = {
      itemHalf: place(items * firstWidth),
      itemEmbeddings: place(items * embeddingWidth),
      userHalf: place(padded(firstWidth)),
      itemGmf: place(items * gmfWidth),
      userGmf: place(gmfWidth),
      itemBias: place(items),
      output: place(output.length),
      list: place(slot.callItems),
      logits: place(slot.callItems),
      front: place(bufferFloats),
      back: place(bufferFloats),
      layers: hidden.map(({ inputs, outputs }) => ({
        weights: place(inputs * padded(outputs)),
        bias: place(padded(outputs)),
      })),
    };
    const pages = Math.ceil(top / pageBytes);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    this.#kernels = instantiate(memory);
    this.#floats = new Float32Array(memory.buffer);
    this.#itemList = new Int32Array(memory.buffer, at.list, slot.callItems);
    this.#logits = new Float32Array(memory.buffer, at.logits, slot.callItems);
    this.#userHalf = new Float32Array(memory.buffer, at.userHalf, firstWidth);
    this.#userGmf = new Float32Array(memory.buffer, at.userGmf, gmfWidth);

    const words = new Uint32Array(memory.buffer, slot.scoringDescriptor, slot.scoringDescriptorBytes / 4);
    words[slot.hiddenLayers] = hidden.length;
    words[slot.gmfWidth] = gmfWidth;
    words[slot.itemHalf] = at.itemHalf;
    words[slot.userHalf] = at.userHalf;
    words[slot.itemGmf] = at.itemGmf;
    words[slot.userGmf] = at.userGmf;
    words[slot.itemBias] = at.itemBias;
    words[slot.outputWeights] = at.output;
    words[slot.itemList] = at.list;
    words[slot.logits] = at.logits;
    words[slot.front] = at.front;
    words[slot.back] = at.back;
    words[slot.rowBytes] = 4 * rowFloats;
    words[slot.itemEmbeddings] = at.itemEmbeddings;
    words[slot.embeddingWidth] = embeddingWidth;
    const denseBias = config.output === "dense" ? dataOf(tensors, "output.bias")[0] + outputBias : 0;
    this.#floats[slot.scoringDescriptor / 4 + slot.outputBias] = denseBias;
    hidden.forEach((layer, l) => {
      const record = slot.scoringLayers + 3 * l;
      words[record] = layer.outputs;
      words[record + 1] = at.layers[l].weights;
      words[record + 2] = at.layers[l].bias;
      this.#floats.set(layer.bias, at.layers[l].bias / 4);
    });
    this.#floats.set(output, at.output / 4);
    this.#writeRows("gmf_item_embedding.weight", at.itemGmf, gmfWidth);
    if (config.itemBias) this.#writeRows("item_bias.weight", at.itemBias, 1);
    this.#writeRows("item_embedding.weight", at.itemEmbeddings, embeddingWidth);
    if (first !== null) {
      const weights = at.layers[0].weights;
      this.#writePanels(first, embeddingWidth, weights, gemmOutputs);
      // In parts, so that the engine can go over to its optimized code in between.
      for (let from = 0; from < items; from += itemsAtOnce) {
        const rows = Math.min(itemsAtOnce, items - from);
        const [a, c] = [at.itemEmbeddings + 4 * from * embeddingWidth, at.itemHalf + 4 * from * firstWidth];
        this.#kernels.gemm(a, 4 * embeddingWidth, weights, 0, c, 4 * firstWidth, rows, embeddingWidth, firstWidth, 0);
      }
    }
    // Of the first layer, the user's half is computed with each row.
    hidden.forEach((layer, l) => {
      this.#writePanels(layer, l === 0 ? embeddingWidth : 0, at.layers[l].weights, panelOutputs);
    });
  }

  score(user: number, items: Int32Array, scores: Float64Array): void {
    const row = this.#model.userRows[user];
    const part = (name: string, width: number): Float32Array =>
      dataOf(this.#model.tensors, name).subarray(row * width, (row + 1) * width);
    const mlp = part("user_embedding.weight", (this.#first?.inputs ?? 0) / 2);
    this.scoreRow({ mlp, gmf: part("gmf_user_embedding.weight", this.#userGmf.length) }, items, scores);
  }

  scoreRow(row: UserRow, items: Int32Array, scores: Float64Array): void {
    this.#writeUser(row);
    for (let from = 0; from < items.length; from += slot.callItems) {
      const count = Math.min(slot.callItems, items.length - from);
      this.#itemList.set(items.subarray(from, from + count));
      this.#kernels.scoreItems(count);
      for (let i = 0; i < count; i++) scores[from + i] = this.#logits[i];
    }
  }

  /** The user's half of the first layer, and the user's GMF values times the output weights that their products meet. */
  #writeUser({ mlp, gmf }: UserRow): void {
    const { config, tensors } = this.#model;
    if (this.#first !== null) {
      const { inputs, outputs, weights, bias } = this.#first;
      for (let n = 0; n < outputs; n++) {
        let sum = bias[n];
        for (let k = 0; k < mlp.length; k++) sum += weights[n * inputs + k] * mlp[k];
        this.#userHalf[n] = sum;
      }
    }
    const weights = config.output === "dense" ? dataOf(tensors, "output.weight").slice(-gmf.length) : null;
    for (let k = 0; k < gmf.length; k++) this.#userGmf[k] = gmf[k] * (weights === null ? 1 : weights[k]);
  }

  /** Copies the rows of an item table in the order of the sample's items. */
  #writeRows(name: string, at: number, width: number): void {
    const table = dataOf(this.#model.tensors, name);
    this.#model.itemRows.forEach((row, item) => {
      this.#floats.set(table.subarray(row * width, (row + 1) * width), at / 4 + item * width);
    });
  }

  /** Writes a layer's weights, of the inputs from `from` on, in panels of so many outputs. */
  #writePanels({ inputs, outputs, weights }: DenseLayer, from: number, at: number, panelWidth: number): void {
    const height = inputs - from;
    for (let n = 0; n < outputs; n++) {
      const panel = at / 4 + (n - (n % panelWidth)) * height + (n % panelWidth);
      for (let k = 0; k < height; k++) this.#floats[panel + k * panelWidth] = weights[n * inputs + from + k];
    }
  }
}

function padded(outputs: number): number {
  return Math.ceil(outputs / panelOutputs) * panelOutputs;
}

function instantiate(memory: WebAssemblyMemory): ScoringKernels {
  compiled ??= new WebAssembly.Module(readFileSync(new URL("scoring.wasm", import.meta.url)));
  return new WebAssembly.Instance(compiled, { env: { memory } }).exports as unknown as ScoringKernels;
}
