/** A user's embedding row by itself: what a user needs to be scored without a place in the model's tables. */
export interface UserRow {
  /** Shape [mlp.embeddingSize], empty without an MLP. */
  readonly mlp: Float32Array;
  /** Shape [gmf.embeddingSize], empty without GMF. */
  readonly gmf: Float32Array;
}
