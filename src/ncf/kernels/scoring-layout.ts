/** Slots of the scorer's descriptor, 4 bytes each, at address `scoringDescriptor`; written by wasm/scorer.ts. */

export const scoringDescriptor = 65536;
export const scoringDescriptorBytes = 1024;
/** Items that a block computes at once, and the most of one call. */
export const blockItems = 64;
export const callItems = 4096;

/** Hidden layers, 0 without an MLP branch. */
export const hiddenLayers = 0;
export const gmfWidth = 1;
/** Shape [items, first hidden width]: the item half of the first layer. */
export const itemHalf = 2;
/** Shape [first hidden width]: the user half and the bias. */
export const userHalf = 3;
/** Shape [items, gmfWidth], and [gmfWidth]: the user's values times the output weights. */
export const itemGmf = 4;
export const userGmf = 5;
/** Shape [items]. */
export const itemBias = 6;
/** Shape [last hidden width], then the bias. */
export const outputWeights = 7;
/** Shape [callItems]: item indices in, logits out. */
export const itemList = 8;
export const logits = 9;
/** Two buffers of [blockItems, widest layer]. */
export const front = 10;
export const back = 11;
/** The output's bias, as float32. */
export const outputBias = 12;
/** From here on, for each hidden layer: width, weights (panels of 8 outputs), bias. The first layer has only a width. */
export const scoringLayers = 16;
