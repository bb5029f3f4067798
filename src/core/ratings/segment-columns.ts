/** The rows of one segment while they are parsed: columns as narrow as their values allow. */
import { missingRatingCode, ratingOfCode, summarizeValues, type ValueSummary } from "./value-summary.ts";

/** Memory that can be given back at once: with `resize(0)`, long before garbage collection would. (ES2024, Node 20.) */
export type ResizableMemory = ArrayBuffer & { resize(byteLength: number): void };

/** Rows of a segment as columns: about 7 bytes a row for MovieLens, where a user's rows lie together. */
export interface RatingColumns {
  readonly rows: number;
  /** Holds all columns below. */
  readonly memory: ResizableMemory;
  /** Run r is of user `runUser[r]` (index into the segment's users) and ends before row `runEnd[r]`. */
  readonly runUser: Int32Array;
  readonly runEnd: Int32Array;
  /** Index into the segment's items. */
  readonly item: Uint16Array | Int32Array;
  /** Since 1970: a Uint32Array holds whole seconds, a Float64Array milliseconds. */
  readonly time: Uint32Array | Float64Array;
  /** A Uint8Array holds twice the rating, 255 for none; a Float32Array the rating, NaN for none. */
  readonly rating: Uint8Array | Float32Array;
  readonly summary: ValueSummary;
}

/**
 * Scratch columns that grow and are used again for the next segment. The fast path of the parser writes to the narrow
 * ones directly, so the fields are open; `push` takes any row and widens a column when it must.
 */
export class SegmentColumns {
  rows = 0;
  runs = 0;
  /** User of the last run. */
  lastUser = -1;
  runUser = new Int32Array(1024);
  runEnd = new Int32Array(1024);
  item = new Int32Array(1024);
  seconds = new Uint32Array(1024);
  ratingCode = new Uint8Array(1024);
  /** Milliseconds and ratings once a value did not fit its narrow column; then these hold all rows. */
  timeMs: Float64Array | null = null;
  rating: Float32Array | null = null;

  /** Whether all rows so far fit the narrow columns. */
  get narrow(): boolean {
    return this.timeMs === null && this.rating === null;
  }

  reset(): void {
    this.rows = 0;
    this.runs = 0;
    this.lastUser = -1;
    this.timeMs = null;
    this.rating = null;
  }

  push(user: number, item: number, timeMs: number, rating: number): void {
    if (this.rows === this.item.length) this.grow();
    const row = this.rows++;
    this.item[row] = item;
    if (user !== this.lastUser) {
      if (this.runs > 0) this.runEnd[this.runs - 1] = row;
      this.runUser[this.runs++] = user;
      this.lastUser = user;
    }
    this.#pushTime(row, timeMs);
    this.#pushRating(row, rating);
  }

  #pushTime(row: number, timeMs: number): void {
    if (this.timeMs === null) {
      const seconds = timeMs / 1000;
      if (Number.isInteger(seconds) && seconds >= 0 && seconds < 2 ** 32) {
        this.seconds[row] = seconds;
        return;
      }
      this.timeMs = new Float64Array(this.item.length);
      for (let i = 0; i < row; i++) this.timeMs[i] = this.seconds[i] * 1000;
    }
    this.timeMs[row] = timeMs;
  }

  #pushRating(row: number, rating: number): void {
    if (this.rating === null) {
      const code = Number.isNaN(rating) ? missingRatingCode : rating * 2;
      if (Number.isInteger(code) && code >= 0 && code <= missingRatingCode && rating !== missingRatingCode / 2) {
        this.ratingCode[row] = code;
        return;
      }
      this.rating = new Float32Array(this.item.length);
      for (let i = 0; i < row; i++) this.rating[i] = ratingOfCode(this.ratingCode[i]);
    }
    this.rating[row] = rating;
  }

  /** Doubles the room for rows. */
  grow(): void {
    const capacity = this.item.length * 2;
    this.runUser = copied(this.runUser, new Int32Array(capacity));
    this.runEnd = copied(this.runEnd, new Int32Array(capacity));
    this.item = copied(this.item, new Int32Array(capacity));
    this.seconds = copied(this.seconds, new Uint32Array(capacity));
    this.ratingCode = copied(this.ratingCode, new Uint8Array(capacity));
    if (this.timeMs !== null) this.timeMs = copied(this.timeMs, new Float64Array(capacity));
    if (this.rating !== null) this.rating = copied(this.rating, new Float32Array(capacity));
  }

  /** Copies of exactly the rows so far. `items`: how many distinct items there are. */
  columns(items: number): RatingColumns {
    const { rows, runs } = this;
    if (runs > 0) this.runEnd[runs - 1] = rows;
    const item = items <= 65536 ? new Uint16Array(this.item.subarray(0, rows)) : this.item.subarray(0, rows);
    const [time, rating] = [this.timeMs ?? this.seconds, this.rating ?? this.ratingCode];
    const bytes = time.BYTES_PER_ELEMENT * rows + rating.BYTES_PER_ELEMENT * rows + item.byteLength + 8 * runs;
    const memory = resizableMemory(bytes + 5 * 8);
    let offset = 0;
    const place = <A extends Column>(column: A, length: number): A => {
      const placed = columnAt(column, memory, offset, length);
      placed.set(column.subarray(0, length));
      offset = Math.ceil((offset + placed.byteLength) / 8) * 8;
      return placed;
    };
    return {
      rows,
      memory,
      time: place(time, rows),
      runUser: place(this.runUser, runs),
      runEnd: place(this.runEnd, runs),
      item: place(item, rows),
      rating: place(rating, rows),
      summary: summarizeValues(rows, time, rating),
    };
  }
}

/**
 * Copies of columns in ordinary memory, which V8 reads two to four times as fast as resizable memory. A copy is valid
 * until the next is made.
 */
export class ColumnReader {
  #memory = new ArrayBuffer(0);

  copy<C extends RatingColumns>(columns: C): C {
    if (this.#memory.byteLength < columns.memory.byteLength) {
      this.#memory = new ArrayBuffer(Math.ceil(columns.memory.byteLength * 1.25));
    }
    new Uint8Array(this.#memory).set(new Uint8Array(columns.memory));
    const { runUser, runEnd, item, time, rating } = columns;
    return {
      ...columns,
      runUser: this.#view(runUser),
      runEnd: this.#view(runEnd),
      item: this.#view(item),
      time: this.#view(time),
      rating: this.#view(rating),
    };
  }

  #view<A extends Column>(column: A): A {
    return columnAt(column, this.#memory, column.byteOffset, column.length);
  }
}

/** A view like `like` on other memory. */
function columnAt<A extends Column>(like: A, memory: ArrayBuffer, offset: number, length: number): A {
  const Columns = like.constructor as new (memory: ArrayBuffer, offset: number, length: number) => A;
  return new Columns(memory, offset, length);
}

type Column = Uint8Array | Uint16Array | Int32Array | Uint32Array | Float32Array | Float64Array;

function resizableMemory(byteLength: number): ResizableMemory {
  const Memory = ArrayBuffer as new (byteLength: number, options: { maxByteLength: number }) => ArrayBuffer;
  return new Memory(byteLength, { maxByteLength: byteLength }) as ResizableMemory;
}

function copied<A extends Column>(from: A, to: A): A {
  to.set(from);
  return to;
}
