/**
 * What users did since the data set was taken. It knows ids only, so it outlives the model that is served. A long-lived service keeps
 * many: so they lie in columns of numbers, as bench/recorded-interactions.ts measures.
 */
import { NcfError } from "../../core/errors.ts";
import { mix } from "../../core/rng.ts";

export interface RecordedInteraction {
  readonly itemId: string;
  readonly timestampMs: number;
}

/** Interactions kept at most: a JavaScript Map of so many users is still possible. */
const defaultLimit = 16_000_000;
const firstCapacity = 1024;
const none = -1;

export class RecordedInteractions {
  readonly #limit: number;
  /** Indices, in the order in which they came. */
  readonly #users = new Map<string, number>();
  readonly #items = new Map<string, number>();
  readonly #itemIds: string[] = [];
  /** Of each user, the interaction that came last. */
  #lastOfUser = new Int32Array(firstCapacity);
  /** Of each interaction: who, on what, when, and the one of the same user before it. */
  #userOf = new Int32Array(firstCapacity);
  #itemOf = new Int32Array(firstCapacity);
  #timestampMs = new Float64Array(firstCapacity);
  #before = new Int32Array(firstCapacity);
  /** Interactions by a hash of user and item, each in the first free place from there on; at most half full. */
  #places = new Int32Array(2 * firstCapacity).fill(none);
  #count = 0;

  constructor(limit = defaultLimit) {
    this.#limit = limit;
  }

  /** Users with an interaction, in the order in which they came. */
  users(): IterableIterator<string> {
    return this.#users.keys();
  }

  /** The user's interactions in the order in which they were recorded, no item twice. */
  of(userId: string): readonly RecordedInteraction[] {
    const user = this.#users.get(userId);
    const found: RecordedInteraction[] = [];
    if (user === undefined) return found;
    for (let at = this.#lastOfUser[user]; at !== none; at = this.#before[at]) {
      found.push({ itemId: this.#itemIds[this.#itemOf[at]], timestampMs: this.#timestampMs[at] });
    }
    return found.reverse();
  }

  has(userId: string, itemId: string): boolean {
    const [user, item] = [this.#users.get(userId), this.#items.get(itemId)];
    if (user === undefined || item === undefined) return false;
    return this.#places[this.#placeOf(user, item)] !== none;
  }

  /** @throws NcfError `INTERACTIONS_FULL`, before anything is kept, when `more` would not fit */
  checkRoom(more: number): void {
    if (this.#count + more > this.#limit) {
      throw new NcfError(
        "INTERACTIONS_FULL",
        `expected at most ${this.#limit} interactions that no model has learnt, found ${this.#count} and ${more} new ones. ` +
          "Train on them, remove from the log what the champion has learnt, and start the service anew",
        { retriable: true },
      );
    }
  }

  /** The caller has checked that the user has not touched the item, and, now or a moment ago, that there is room. */
  add(userId: string, { itemId, timestampMs }: RecordedInteraction): void {
    this.#makeRoom();
    const at = this.#count;
    const known = this.#users.get(userId);
    const user = known ?? this.#users.size;
    if (known === undefined) this.#users.set(userId, user);
    this.#userOf[at] = user;
    this.#itemOf[at] = this.#indexOfItem(itemId);
    this.#timestampMs[at] = timestampMs;
    this.#before[at] = known === undefined ? none : this.#lastOfUser[user];
    this.#lastOfUser[user] = at;
    this.#places[this.#placeOf(user, this.#itemOf[at])] = at;
    this.#count += 1;
  }

  #indexOfItem(itemId: string): number {
    const known = this.#items.get(itemId);
    if (known !== undefined) return known;
    this.#items.set(itemId, this.#itemIds.length);
    return this.#itemIds.push(itemId) - 1;
  }

  /** Where the interaction of the user on the item lies among the places, or where it would. */
  #placeOf(user: number, item: number): number {
    const last = this.#places.length - 1;
    for (let place = mix(user, item, 0) & last; ; place = (place + 1) & last) {
      const at = this.#places[place];
      if (at === none || (this.#userOf[at] === user && this.#itemOf[at] === item)) return place;
    }
  }

  /** For one user and one interaction more. */
  #makeRoom(): void {
    if (this.#users.size === this.#lastOfUser.length) this.#lastOfUser = twice(this.#lastOfUser);
    if (this.#count < this.#userOf.length) return;
    this.#userOf = twice(this.#userOf);
    this.#itemOf = twice(this.#itemOf);
    this.#timestampMs = twice(this.#timestampMs);
    this.#before = twice(this.#before);
    this.#places = new Int32Array(2 * this.#userOf.length).fill(none);
    for (let at = 0; at < this.#count; at++) this.#places[this.#placeOf(this.#userOf[at], this.#itemOf[at])] = at;
  }
}

function twice<T extends Int32Array | Float64Array>(column: T): T {
  const larger = new (column.constructor as new (length: number) => T)(2 * column.length);
  larger.set(column);
  return larger;
}
