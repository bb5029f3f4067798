/** Slots of the scorer's descriptor, 4 bytes each, at address `scoringDescriptor`; written by wasm/scorer.ts. */

export const scoringDescriptor = 65536;
export const scoringDescriptorBytes = 1024;
/** Items that a block computes at once, an even number, and the most of one call. */
export const blockItems = 128;
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
/** Two buffers of blockItems / 2 pairs of rows, see paired-rows.ts. */
export const front = 10;
export const back = 11;
/** The output's bias, as float32. */
export const outputBias = 12;
/** Of the buffers' rows: 16 bytes more than the widest layer takes. */
export const rowBytes = 13;
/** Shape [items, embeddingWidth]: the items' part of the first layer's inputs. */
export const itemEmbeddings = 14;
export const embeddingWidth = 15;
/** From here on, for each hidden layer: width, weights (panels of 16 outputs), bias; of the first, the item half's weights alone. */
export const scoringLayers = 16;
