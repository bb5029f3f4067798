/** Vectors of items from elsewhere, such as a text or image model's, by numeric id and all of one length. */
export interface ItemVectors {
  readonly length: number;
  readonly byItem: ReadonlyMap<number, Float32Array>;
}
