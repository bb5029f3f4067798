/** The model family in configuration: one code for `paper`, `neumf` and `mf`. */
import { NcfError } from "../core/errors.ts";

/** The branch that concatenates a user and an item embedding and feeds them to dense layers. */
export interface MlpConfig {
  /** Width of each of the two embeddings; a multiple of 4. */
  readonly embeddingSize: number;
  /** Standard deviation of the embeddings' initial values. */
  readonly embeddingStd: number;
  /** Widths of the hidden layers, each a multiple of 8. */
  readonly hidden: readonly number[];
  /** Where batch normalization stands in a block: dense → ReLU → norm → dropout, dense → norm → ReLU → dropout, or nowhere. */
  readonly batchNorm: "afterRelu" | "beforeRelu" | "none";
  /** Share of activations dropped, 0 to below 1. */
  readonly dropout: number;
  /** How many of the hidden layers, from the first, have batch normalization and dropout; the others are dense → ReLU. */
  readonly regularizedLayers: number;
}

/** The generalized matrix factorization branch: the element-wise product of a second pair of embeddings. */
export interface GmfConfig {
  readonly embeddingSize: number;
  readonly embeddingStd: number;
}

/**
 * The user as what they did: in each branch, a weighted mean of embeddings that the items of their history have for this
 * purpose alone (FISM, Kabbur et al. 2013, beside SVD++, Koren 2008). With k = 0 for the newest item,
 *
 *     vector = own row + Σ_k w_k h_k / (Σ_k w_k)^alpha.
 *
 * All samples of a positive have its history, and stand together in a batch, so that it is read once.
 */
export interface HistoryConfig {
  /**
   * `mean`: w = 1, and a positive's history is all that its user has in training but itself. `recency`:
   * w_k = (1 + k)^−λ, and its history is what came before it; each branch learns its λ.
   */
  readonly weights: "mean" | "recency";
  /** The newest items of a history that count. */
  readonly window: number;
  /** 1 gives the mean, 0 the sum. */
  readonly alpha: number;
  /** Whether users have a row of their own beside: better for those trained on, nothing for others. */
  readonly ownRow: boolean;
}

/**
 * What is known of items beside who took them: their rows are their own + Σ_k v_k F_k, in each branch and in the item bias,
 * where the v_k are an item's features and F is learnt (item-features.ts). So an item that nobody has taken has a row.
 */
export interface ItemFeaturesConfig {
  /** Attributes (genres and the period of release) by name, or the places of vectors from elsewhere, such as a text model's. */
  readonly from: "attributes" | "vectors";
  /** The features' names, in the order of the rows of F. */
  readonly names: readonly string[];
}

export interface NcfConfig {
  readonly mlp: MlpConfig | null;
  readonly gmf: GmfConfig | null;
  /** Users by their history; absent or null: by a trained row each. */
  readonly history?: HistoryConfig | null;
  /** Absent or null: items by a trained row each. */
  readonly itemFeatures?: ItemFeaturesConfig | null;
  /**
   * `dense`: logit = weights · [last hidden layer, GMF product] + bias. `sum`: logit = sum of the GMF product (a dot
   * product); needs `mlp: null`.
   */
  readonly output: "dense" | "sum";
  /** Adds a learnt number per item, initially 0, to the logit. */
  readonly itemBias: boolean;
  /** `raw`: one embedding row an id up to the greatest; `compact`: one a user or item of the sample. */
  readonly ids: "raw" | "compact";
  readonly learningRate: number;
  readonly adamBetas: readonly [number, number];
  readonly adamEpsilon: number;
  readonly batchSize: number;
  readonly epochs: number;
  /** The model is the mean over about so many of the latest epochs (averaged-epochs.ts); absent or 1: as the last one ends. */
  readonly averagedEpochs?: number;
  /** Negatives drawn for each positive. */
  readonly negatives: number;
  /** Negatives are drawn in proportion to (1 + training interactions of the item)^power; absent or 0: all items alike. */
  readonly negativePower?: number;
  /** Whether negatives are drawn anew for each epoch or once. */
  readonly negativeDraw: "eachEpoch" | "once";
}

/** The widest `history.window`. */
const maxHistoryWindow = 65_536;

/** The most item features. */
const maxItemFeatures = 65_536;

/** The greatest id that `ids: "raw"` accepts. */
export const maxRawId = 2 ** 24;

/** Batch normalization as in PyTorch. */
export const batchNormMomentum = 0.1;
export const batchNormEpsilon = 1e-5;

const training = {
  learningRate: 1e-3,
  adamBetas: [0.9, 0.999],
  adamEpsilon: 1e-8,
  batchSize: 512,
  negatives: 4,
  negativeDraw: "eachEpoch",
} as const;

export const presets = {
  /** The paper's network, with its embedding row per raw id. */
  paper: {
    ...training,
    mlp: {
      embeddingSize: 8,
      embeddingStd: 1,
      hidden: [128, 64, 32, 16],
      batchNorm: "afterRelu",
      dropout: 0.2,
      regularizedLayers: 3,
    },
    gmf: null,
    output: "dense",
    itemBias: false,
    ids: "raw",
    epochs: 5,
  },
  /**
   * He et al. 2017: a GMF branch beside the MLP, joined before the output. Settings chosen on
   * ml-latest-small's validation split (the second latest rating of each user): small initial embeddings help most.
   */
  neumf: {
    ...training,
    mlp: {
      embeddingSize: 16,
      embeddingStd: 0.01,
      hidden: [64, 32, 16],
      batchNorm: "none",
      dropout: 0,
      regularizedLayers: 0,
    },
    gmf: { embeddingSize: 16, embeddingStd: 0.01 },
    output: "dense",
    itemBias: false,
    ids: "compact",
    learningRate: 2e-3,
    epochs: 8,
  },
  /**
   * `neumf` four times as wide, in batches that keep a GPU busy: for data sets of millions of users and ratings. Its rate
   * and epochs are not chosen on a validation split; at `neumf`'s batch size its width ranks ml-latest-small as `neumf` does.
   */
  "neumf-large": {
    ...training,
    mlp: {
      embeddingSize: 64,
      embeddingStd: 0.01,
      hidden: [256, 128, 64],
      batchNorm: "none",
      dropout: 0,
      regularizedLayers: 0,
    },
    gmf: { embeddingSize: 64, embeddingStd: 0.01 },
    output: "dense",
    itemBias: false,
    ids: "compact",
    learningRate: 5e-3,
    batchSize: 65_536,
    epochs: 12,
  },
  /** Dot product plus item bias: the end of the family without an MLP. Settings chosen on the same validation split. */
  mf: {
    ...training,
    mlp: null,
    gmf: { embeddingSize: 64, embeddingStd: 0.01 },
    output: "sum",
    itemBias: true,
    ids: "compact",
    learningRate: 2e-3,
    epochs: 10,
  },
  /**
   * `mf` whose users are the mean of what they took, in no order (FISM, Kabbur et al. 2013); its users need not be known when
   * it is trained. Settings chosen on the validation splits of ml-latest-small and ML-100K together.
   */
  fism: {
    ...training,
    mlp: null,
    gmf: { embeddingSize: 64, embeddingStd: 0.01 },
    history: { weights: "mean", window: 65_536, alpha: 0.5, ownRow: false },
    output: "sum",
    itemBias: true,
    ids: "compact",
    learningRate: 2e-3,
    negativePower: 0.125,
    epochs: 12,
    averagedEpochs: 6,
  },
  /**
   * `mf` that also sees what the user did lately, the newest item most (SVD++, Koren 2008, with order): best where histories
   * have an order. Settings chosen on the validation splits of ml-latest-small and ML-100K together.
   */
  "mf-recency": {
    ...training,
    mlp: null,
    gmf: { embeddingSize: 64, embeddingStd: 0.01 },
    history: { weights: "recency", window: 200, alpha: 0.5, ownRow: true },
    output: "sum",
    itemBias: true,
    ids: "compact",
    learningRate: 2e-3,
    negativePower: 0.25,
    epochs: 10,
    averagedEpochs: 4,
  },
  /**
   * `mf-recency` with an MLP beside it, wider and deeper than `neumf`'s. On the validation splits it ranks better than
   * `neumf` and a little worse than `mf-recency`, at twice the cost.
   */
  "neumf-recency": {
    ...training,
    mlp: {
      embeddingSize: 32,
      embeddingStd: 0.01,
      hidden: [128, 64, 32],
      batchNorm: "none",
      dropout: 0.2,
      regularizedLayers: 2,
    },
    gmf: { embeddingSize: 64, embeddingStd: 0.01 },
    history: { weights: "recency", window: 200, alpha: 0.5, ownRow: true },
    output: "dense",
    itemBias: true,
    ids: "compact",
    learningRate: 2e-3,
    negativePower: 0.25,
    epochs: 8,
    averagedEpochs: 4,
  },
} as const satisfies Record<string, NcfConfig>;

export type PresetName = keyof typeof presets;

/**
 * The preset of that name.
 *
 * @throws NcfError `PRESET_UNKNOWN`
 */
export function presetNamed(name: string): NcfConfig {
  if (Object.hasOwn(presets, name)) return presets[name as PresetName];
  throw new NcfError("PRESET_UNKNOWN", `expected a preset (${Object.keys(presets).join(", ")}), found "${name}"`);
}

/**
 * Rejects a configuration that no backend could run.
 *
 * @throws NcfError `CONFIG_INVALID` naming the field
 */
export function checkConfig(config: NcfConfig): void {
  const require = (holds: boolean, message: string): void => {
    if (!holds) throw new NcfError("CONFIG_INVALID", `model configuration: ${message}`);
  };
  const positiveInteger = (n: number): boolean => Number.isSafeInteger(n) && n > 0;
  const { mlp, gmf } = config;
  require(mlp !== null || gmf !== null, "expected at least one of mlp and gmf");
  require(config.output === "dense" || (mlp === null && gmf !== null), "output sum needs gmf and no mlp");
  if (mlp !== null) {
    require(positiveInteger(mlp.embeddingSize) && mlp.embeddingSize % 4 === 0, "mlp.embeddingSize: a multiple of 4");
    require(mlp.hidden.length > 0 &&
      mlp.hidden.every((n) => positiveInteger(n) && n % 8 === 0), "mlp.hidden: multiples of 8");
    require(mlp.dropout >= 0 && mlp.dropout < 1, "mlp.dropout: from 0 to below 1");
    require(Number.isSafeInteger(mlp.regularizedLayers) &&
      mlp.regularizedLayers >= 0 &&
      mlp.regularizedLayers <= mlp.hidden.length, "mlp.regularizedLayers: 0 to the number of hidden layers");
  }
  if (gmf !== null) {
    require(positiveInteger(gmf.embeddingSize) && gmf.embeddingSize % 4 === 0, "gmf.embeddingSize: a multiple of 4");
  }
  const { history, itemFeatures } = config;
  if (itemFeatures) {
    const { from, names } = itemFeatures;
    require(from === "attributes" || from === "vectors", "itemFeatures.from: attributes or vectors");
    require(names.length > 0 &&
      names.length <= maxItemFeatures &&
      new Set(names).size === names.length, `itemFeatures.names: 1 to ${maxItemFeatures} names, each once`);
  }
  if (history) {
    require(history.weights === "mean" || history.weights === "recency", "history.weights: mean or recency");
    require(positiveInteger(history.window) &&
      history.window <= maxHistoryWindow, `history.window: 1 to ${maxHistoryWindow}`);
    require(history.alpha >= 0 && history.alpha <= 1, "history.alpha: from 0 to 1");
    require(typeof history.ownRow === "boolean", "history.ownRow: true or false");
  }
  require(positiveInteger(config.batchSize) && config.batchSize % 64 === 0, "batchSize: a multiple of 64");
  require(positiveInteger(config.epochs), "epochs: a positive integer");
  require(positiveInteger(config.averagedEpochs ?? 1), "averagedEpochs: a positive integer");
  require(Number.isSafeInteger(config.negatives) && config.negatives >= 0, "negatives: 0 or more");
  const { negativePower = 0 } = config;
  require(negativePower >= 0 && negativePower <= 1, "negativePower: from 0 to 1");
  require(config.learningRate > 0, "learningRate: above 0");
}
