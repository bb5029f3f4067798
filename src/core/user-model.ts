/**
 * A fitted model of any kind as serving and streams use it. Whoever asks knows the user's history; beside it a model may
 * need something that takes longer to make than to use, such as an embedding row: it is folded once and kept.
 */
export interface UserModel<Folded = unknown> {
  readonly name: string;
  /** Whether `fold` takes no longer than a score, so that nobody need keep what it made. */
  readonly foldsCheaply: boolean;
  /** Does now what the first user from outside training would wait for. */
  prepare(): void;
  /**
   * What the model makes of a user with this history: a function of its arguments and the model alone.
   *
   * @param history item indices, oldest first, none twice; may be empty
   * @param user index into the sample's users, of a user whom training knows; −1 for anybody else
   */
  fold(history: Int32Array, user: number): Folded;
  /**
   * As `Recommender.score`, for a user as training left them.
   *
   * @param user index into the sample's users
   * @param history what the user did, all that training saw among it
   */
  scoreTrained(user: number, history: Int32Array, items: Int32Array, scores: Float64Array): void;
  /**
   * As `Recommender.score`, for anybody.
   *
   * @param folded of this history, or of an earlier part of it
   */
  scoreFolded(folded: Folded, history: Int32Array, items: Int32Array, scores: Float64Array): void;
  /**
   * Writes what attributes, such as genres, add to the scores of `items`; absent where they add nothing.
   *
   * @param shares shape [items], written
   */
  attributeShare?(history: Int32Array, items: Int32Array, shares: Float64Array): void;
}
