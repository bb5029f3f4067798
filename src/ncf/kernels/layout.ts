/**
 * Where the descriptor lies in linear memory and what its slots mean. TypeScript fills it, the kernels read it, and
 * both import this file, so it holds plain integer constants only.
 *
 * Every slot is 8 bytes: an unsigned 32-bit integer in its low word, or a float64 (marked f64). Pointers are byte
 * addresses. A *unit* is a run of neighbouring rows of a batch that one thread computes from end to end; all sums over
 * a batch are sums over units in unit order, whichever thread computed them, so the bytes do not depend on threads.
 */

/** Address of the descriptor: above the kernels' own constants. */
export const descriptor = 65536;
/** Bytes from the descriptor to the first layer's record, and between records. */
export const layersAt = 2048;
export const layerBytes = 512;
export const maxLayers = 32;
export const widestLayer = 4096;
/** Bytes of the descriptor: what is allocated lies above. */
export const descriptorBytes = 2048 + 32 * 512;

// Batches.
export const batchSize = 0;
export const unitRows = 1;
export const samples = 2;
export const stepsPerEpoch = 3;
export const slots = 4;
export const users = 5;
export const items = 6;
export const offsets = 7;
export const positives = 8;
export const userOfPositive = 9;
export const userRows = 10;
export const itemRows = 11;
export const filter = 12;
export const filterShift = 13;
export const seedLow = 14;
export const seedHigh = 15;
export const redraw = 16;
/** Shape [items, 3] u32: src/core/synthetic/alias.ts; 0 where negatives are drawn uniformly. */
export const negativeTable = 100;
/** Two buffers each, used in turn: shape [2, batchSize]. */
export const batchUsers = 17;
export const batchItems = 18;
export const batchLabels = 19;
/** Per thread: samples being drawn, sums of a layer (shape [2, outputs]), or chains of equal rows and their sum. */
export const threadScratch = 20;
export const threadScratchBytes = 21;

// Embedding tables: a record a row, [values, first moments, second moments, touched, mark, tail].
export const userTable = 22;
export const userStride = 23;
export const userWidth = 24;
export const userRowCount = 25;
export const itemTable = 26;
export const itemStride = 27;
export const itemWidth = 28;
export const itemRowCount = 29;
export const mlpWidth = 30;
export const gmfWidth = 31;
export const itemBias = 32;

// Activations of the two ends of the network, by batch row.
export const input = 34;
export const inputGradient = 35;
export const gmfUser = 36;
export const gmfItem = 37;
export const gmfUserGradient = 38;
export const gmfItemGradient = 39;
export const bias = 40;
export const logitGradient = 41;

// Output.
export const layers = 42;
export const outputDense = 43;
export const outputInputs = 44;
/** Shape [outputInputs + 1 padded to 4]: weights, then the bias; moments beside. */
export const output = 45;
export const outputM = 46;
export const outputV = 47;
/** Per unit: gradient of `output`, and the loss (f64). */
export const outputPartial = 48;
export const outputPartialBytes = 49;
export const lossPartial = 50;
export const losses = 51;

// Adam.
export const learningRate = 52; // f64
export const beta1 = 53; // f64
export const beta2 = 54; // f64
export const epsilon = 55; // f64
/** Shape [horizon + 1] f64: 1 − beta1^t and sqrt(1 − beta2^t); beyond the horizon both are 1 to rounding. */
export const correction1 = 56;
export const correction2 = 57;
export const horizon = 58;
/** Shape [horizon + 1, 4] f32: the sums and tangents of catch-up.ts. */
export const drift = 59;
/** Shape [powers, 4] f32: beta1^k, beta2^k and (beta1/sqrt(beta2))^k; and shape [powers] f32: beta2^(k · powers). */
export const powers = 60;
export const decays = 61;
export const decaysHigh = 63;
/** f64: (beta1/sqrt(beta2))^k for k below `powers`. */
export const powerR = 62;
/** Rows up to date at a step below `exactBelow` sum their drift term by term, from `oneBlockFrom` on in one block. */
export const exactBelow = 65;
export const exactTerms = 66;
/** f64: beta2^(−k/2). */
export const powerHalf = 67;
export const driftCentre = 68; // f64
export const decayRate = 70; // f64: −log(beta2)
export const oneBlockFrom = 71;

// Histories: history.ts.
/** 0 none, 1 mean, 2 recency. */
export const history = 72;
export const historyWindow = 73;
export const historyAlpha = 74; // f64
/** Shape [positives] u32: each user's history items' rows, oldest first, and each positive's place there. */
export const historyRows = 75;
export const places = 76;
/** Shape [2, batchSize] u32: the positive that each sample belongs to. */
export const batchPositives = 77;
/** As the other tables, with a row's gradient at the end of its record. */
export const historyTable = 78;
export const historyStride = 79;
export const historyWidth = 80;
export const historyRowCount = 81;
/** Two buffers, each of shape [2 branches, 3, window + 1] f32: weights, scales and mean ages of history-weights.ts. */
export const historyWeights = 82;
/** Shape [window] f32: log(1 + k). */
export const historyAges = 99;
/** Shape [batchSize, historyWidth]: by each run of samples, at its first row of a unit, what a longer decay does to its vector. */
export const historySlopes = 83;
/** Shape [4]: θ of the MLP and of GMF; moments and gradient alike. */
export const decay = 84;
export const decayM = 85;
export const decayV = 86;
export const decayGradient = 87;
/** Per unit: the gradients of both λ (f64). */
export const decayPartial = 88;
/** Per thread: the addresses of the records that a step touches: tail-gradients.ts. */
export const touchedRecords = 89;
export const touchedBytes = 90;

// Item features: item-features.ts.
/** Whether there are some. */
export const itemFeatures = 91;
/** By item row: shape [itemRowCount + 1] u32, then [entries] u32 and [entries] f32. */
export const featureOffsets = 92;
export const features = 93;
export const featureValues = 94;
/** As the item table, with a row's gradient at the end of its record. */
export const featureTable = 95;
export const featureStride = 96;
export const featureWidth = 97;
export const featureCount = 98;

// Threads.
export const barrier = 69;

// One layer's record.
export const inputs = 0;
export const outputs = 1;
/** Weights in panels of 8 outputs: shape [outputs / 8, inputs, 8]; moments alike. */
export const weights = 2;
export const weightsM = 3;
export const weightsV = 4;
/** The same weights in panels of 8 inputs: shape [inputs / 8, outputs, 8]. */
export const weightsBack = 5;
/** Shape [3, outputs]: the bias, then batch norm's weight and bias; moments alike. */
export const vectors = 6;
export const vectorsM = 7;
export const vectorsV = 8;
/** Shape [2, outputs]: running mean, running variance. */
export const running = 9;
/** 0 none, 1 after ReLU, 2 before ReLU. */
export const norm = 10;
/** Round(rate · 65536); 0 is no dropout. */
export const dropThreshold = 11;
export const dropScale = 12; // f64
/**
 * Shape [batchSize, outputs], rows `stride` bytes apart: what the matrix product gives (after ReLU unless norm is 2),
 * what the next layer reads, and gradients.
 */
export const hidden = 13;
export const activation = 14;
export const gradient = 15;
/** Per unit: gradient of the weights (as `weights`) and of the three vectors, and column sums (shape [2, outputs]). */
export const weightsPartial = 16;
export const vectorsPartial = 17;
export const sumsPartial = 18;
/** Per thread, shape [5, outputs]: batch mean, 1 / batch deviation, scale, shift, batch variance. */
export const statistics = 19;
export const stride = 20;
