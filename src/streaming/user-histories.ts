/**
 * What every user has touched, when, and whether it was tested: append only, 12 bytes an entry and a third more for
 * room to grow.
 *
 * A user's entries lie in a chain of blocks of 8 to 256 slots, cut from pages, so an append never moves an old entry. A
 * block's last slot links to the next block; its size follows from the number of entries before it, so it is not
 * stored. Items are held by their index, with all bits flipped where the event was tested.
 */
import { IdIndex } from "./id-index.ts";

const pageBits = 14;
const pageSlots = 2 ** pageBits;
const withinPage = pageSlots - 1;

interface Page {
  readonly items: Int32Array;
  readonly timesMs: Float64Array;
}

/** Slots of the block that starts after `entries` entries, its link included: about as many as came before. */
function blockSlots(entries: number): number {
  return Math.min(256, Math.max(8, 2 ** (32 - Math.clz32(entries))));
}

/** One user's entries in the order in which they joined. */
export interface UserHistory {
  /** Shape [entries]: numeric ids. */
  readonly itemIds: Float64Array;
  /** Shape [entries]. */
  readonly timesMs: Float64Array;
  /** Shape [entries]: 1 where a model was tested on the event. */
  readonly tested: Uint8Array;
}

/** How a user's earlier events lie around a moment. */
export interface Surroundings {
  /** The latest tested event at or before the moment; −∞ for none. */
  readonly testedBeforeMs: number;
  /** The earliest tested event at or after the moment; +∞ for none. */
  readonly testedAfterMs: number;
  /** Events at or before the cut-off. */
  readonly trained: number;
}

export class UserHistories {
  readonly #users = new IdIndex();
  readonly #items = new IdIndex();
  readonly #pages: Page[] = [];
  /** Slots handed out, which is where the next block starts. */
  #usedSlots = 0;
  /** Shape [users]: where the first block starts, where the next entry goes, the last block's link, entries. */
  #first = new Int32Array(64);
  #next = new Int32Array(64);
  #link = new Int32Array(64);
  #counts = new Int32Array(64);
  #entries = 0;
  /** By another table, shape [its items]: the item's index here plus 1, 0 where it was not looked up yet. */
  readonly #itemsOf = new WeakMap<UserHistories, Int32Array>();

  get userCount(): number {
    return this.#users.length;
  }

  /** Entries of all users. */
  get entryCount(): number {
    return this.#entries;
  }

  get itemCount(): number {
    return this.#items.length;
  }

  /** The user's index, −1 for one without entries. */
  userIndex(userId: number): number {
    return this.#users.find(userId);
  }

  userId(user: number): number {
    return this.#users.idAt(user);
  }

  /** The item's index, −1 for one that nobody touched. */
  itemIndex(itemId: number): number {
    return this.#items.find(itemId);
  }

  itemId(item: number): number {
    return this.#items.idAt(item);
  }

  /** Entries of a user by index; 0 for index −1. */
  count(user: number): number {
    return user < 0 ? 0 : this.#counts[user];
  }

  /** Bytes of typed arrays, for watching memory. */
  get byteLength(): number {
    return this.#pages.length * pageSlots * 12 + this.#first.length * 16;
  }

  /** Whether the user touched the item: a scan of the user's items, of about half a nanosecond each. */
  has(userId: number, itemId: number): boolean {
    const user = this.#users.find(userId);
    const item = this.#items.find(itemId);
    if (user < 0 || item < 0) return false;
    let slot = this.#first[user];
    for (let left = this.#counts[user], seen = 0; left > 0; ) {
      const { items } = this.#pages[slot >>> pageBits];
      const from = slot & withinPage;
      const room = blockSlots(seen) - 1;
      const to = from + Math.min(room, left);
      for (let i = from; i < to; i++) {
        if (items[i] === item || items[i] === ~item) return true;
      }
      seen += room;
      left -= room;
      slot = items[from + room];
    }
    return false;
  }

  /** Adds an entry; whether the user has the item already is the caller's to know. */
  append(userId: number, itemId: number, timestampMs: number, tested: boolean): void {
    this.#push(this.#findOrAddUser(userId), this.#items.findOrAdd(itemId), timestampMs, tested);
  }

  #findOrAddUser(userId: number): number {
    const user = this.#users.findOrAdd(userId);
    if (user === this.#first.length) this.#growUsers();
    return user;
  }

  #push(user: number, item: number, timestampMs: number, tested: boolean): void {
    if (this.#next[user] === this.#link[user]) this.#addBlock(user);
    const slot = this.#next[user]++;
    const { items, timesMs } = this.#pages[slot >>> pageBits];
    items[slot & withinPage] = tested ? ~item : item;
    timesMs[slot & withinPage] = timestampMs;
    this.#counts[user] += 1;
    this.#entries += 1;
  }

  /** Writes the user's items (indices) in the order in which they joined. @param out shape [count or more] */
  copyItems(user: number, out: Int32Array): void {
    let written = 0;
    this.#eachBlock(user, ({ items }, from, to) => {
      for (let i = from; i < to; i++) out[written++] = items[i] < 0 ? ~items[i] : items[i];
    });
  }

  surroundings(user: number, timestampMs: number, cutOffMs: number): Surroundings {
    let testedBeforeMs = Number.NEGATIVE_INFINITY;
    let testedAfterMs = Number.POSITIVE_INFINITY;
    let trained = 0;
    this.#eachBlock(user, ({ items, timesMs }, from, to) => {
      for (let i = from; i < to; i++) {
        const timeMs = timesMs[i];
        if (timeMs <= cutOffMs) trained += 1;
        if (items[i] >= 0) continue;
        if (timeMs <= timestampMs && timeMs > testedBeforeMs) testedBeforeMs = timeMs;
        if (timeMs >= timestampMs && timeMs < testedAfterMs) testedAfterMs = timeMs;
      }
    });
    return { testedBeforeMs, testedAfterMs, trained };
  }

  /** A copy of one user's entries; none for index −1. */
  read(user: number): UserHistory {
    const count = this.count(user);
    const itemIds = new Float64Array(count);
    const times = new Float64Array(count);
    const tested = new Uint8Array(count);
    let entry = 0;
    this.#eachBlock(user, ({ items, timesMs }, from, to) => {
      for (let i = from; i < to; i++, entry++) {
        tested[entry] = items[i] < 0 ? 1 : 0;
        itemIds[entry] = this.#items.idAt(items[i] < 0 ? ~items[i] : items[i]);
        times[entry] = timesMs[i];
      }
    });
    return { itemIds, timesMs: times, tested };
  }

  /** Appends what another table knows of a user. */
  addFrom(other: UserHistories, userId: number): void {
    const known = other.userIndex(userId);
    if (known < 0) return;
    const user = this.#findOrAddUser(userId);
    const indices = this.#indicesOf(other);
    other.#eachBlock(known, ({ items, timesMs }, from, to) => {
      for (let i = from; i < to; i++) {
        const tested = items[i] < 0;
        const item = tested ? ~items[i] : items[i];
        // Through an array: looking every id up took a tenth of the stream's time.
        if (indices[item] === 0) indices[item] = this.#items.findOrAdd(other.#items.idAt(item)) + 1;
        this.#push(user, indices[item] - 1, timesMs[i], tested);
      }
    });
  }

  #indicesOf(other: UserHistories): Int32Array {
    const known = this.#itemsOf.get(other);
    if (known !== undefined && known.length >= other.itemCount) return known;
    const indices = new Int32Array(other.itemCount);
    if (known !== undefined) indices.set(known);
    this.#itemsOf.set(other, indices);
    return indices;
  }

  /** Appends a whole history. */
  add(userId: number, { itemIds, timesMs, tested }: UserHistory): void {
    for (let i = 0; i < itemIds.length; i++) this.append(userId, itemIds[i], timesMs[i], tested[i] === 1);
  }

  /** Visits the filled slots [from, to) of each block of a user, oldest first. */
  #eachBlock(user: number, visit: (page: Page, from: number, to: number) => void): void {
    let slot = user < 0 ? 0 : this.#first[user];
    for (let left = this.count(user), seen = 0; left > 0; ) {
      const page = this.#pages[slot >>> pageBits];
      const from = slot & withinPage;
      const room = blockSlots(seen) - 1;
      visit(page, from, from + Math.min(room, left));
      seen += room;
      left -= room;
      slot = page.items[from + room];
    }
  }

  #addBlock(user: number): void {
    const count = this.#counts[user];
    const slots = blockSlots(count);
    // A block lies within one page.
    if ((this.#usedSlots & withinPage) + slots > pageSlots) this.#usedSlots = (this.#usedSlots | withinPage) + 1;
    const start = this.#usedSlots;
    this.#usedSlots += slots;
    if (start >>> pageBits === this.#pages.length) {
      this.#pages.push({ items: new Int32Array(pageSlots), timesMs: new Float64Array(pageSlots) });
    }
    const link = this.#link[user];
    if (count === 0) this.#first[user] = start;
    else this.#pages[link >>> pageBits].items[link & withinPage] = start;
    this.#next[user] = start;
    this.#link[user] = start + slots - 1;
  }

  #growUsers(): void {
    const grown = (old: Int32Array): Int32Array<ArrayBuffer> => {
      const array = new Int32Array(2 * old.length);
      array.set(old);
      return array;
    };
    this.#first = grown(this.#first);
    this.#next = grown(this.#next);
    this.#link = grown(this.#link);
    this.#counts = grown(this.#counts);
  }
}
