/** What users did since the data set was taken. It knows ids only, so it outlives the model that is served. */
import { NcfError } from "../../core/errors.ts";

export interface RecordedInteraction {
  readonly itemId: string;
  readonly timestampMs: number;
}

/** Interactions kept at most, about 200 MB, so that a long-lived service does not fill the memory. */
const defaultLimit = 1_000_000;

export class RecordedInteractions {
  readonly #byUser = new Map<string, Map<string, RecordedInteraction>>();
  readonly #limit: number;
  #count = 0;

  constructor(limit = defaultLimit) {
    this.#limit = limit;
  }

  /** Users with an interaction, in the order in which they came. */
  users(): IterableIterator<string> {
    return this.#byUser.keys();
  }

  /** The user's interactions in the order in which they were recorded, no item twice. */
  of(userId: string): readonly RecordedInteraction[] {
    return [...(this.#byUser.get(userId)?.values() ?? [])];
  }

  has(userId: string, itemId: string): boolean {
    return this.#byUser.get(userId)?.has(itemId) ?? false;
  }

  /** @throws NcfError `INTERACTIONS_FULL`, before anything is kept, when `more` would not fit */
  checkRoom(more: number): void {
    if (this.#count + more > this.#limit) {
      throw new NcfError(
        "INTERACTIONS_FULL",
        `expected at most ${this.#limit} interactions that no model has learnt, found ${this.#count} and ${more} new ones. ` +
          "Train on them and start the service anew with an empty log",
        { retriable: true },
      );
    }
  }

  /** The caller has checked that the user has not touched the item, and, now or a moment ago, that there is room. */
  add(userId: string, interaction: RecordedInteraction): void {
    const known = this.#byUser.get(userId) ?? new Map<string, RecordedInteraction>();
    known.set(interaction.itemId, interaction);
    this.#byUser.set(userId, known);
    this.#count += 1;
  }
}
