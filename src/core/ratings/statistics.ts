/** What the validation report counts over all rows of a file. */
import type { RatingColumns } from "./segment-columns.ts";
import type { ValueSummary } from "./value-summary.ts";

export interface RatingsStatistics {
  firstTimestampMs: number;
  lastTimestampMs: number;
  repeatedPairs: number;
  ratingsOutsideScale: number;
  ratingsMissing: number;
  /** Rows by rating value. */
  readonly ratingCounts: Map<number, number>;
  readonly repeats: RepeatCounter;
}

interface FileSegment {
  readonly segment: RatingColumns;
  readonly users: Int32Array;
}

/** @param segments the whole file's, in order: users whose rows lie scattered are found first */
export function newStatistics(
  segments: readonly (FileSegment | undefined)[],
  users: number,
  items: number,
): RatingsStatistics {
  return {
    firstTimestampMs: Number.POSITIVE_INFINITY,
    lastTimestampMs: Number.NEGATIVE_INFINITY,
    repeatedPairs: 0,
    ratingsOutsideScale: 0,
    ratingsMissing: 0,
    ratingCounts: new Map(),
    repeats: new RepeatCounter(segments, users, items),
  };
}

/** Adds the next segment of the file. `users` and `items` map the segment's indices to the file's. */
export function addSegmentStatistics(
  statistics: RatingsStatistics,
  segment: RatingColumns,
  users: Int32Array,
  items: Int32Array,
): void {
  addSummary(statistics, segment.summary);
  statistics.repeatedPairs += statistics.repeats.add(segment, users, items);
}

function addSummary(statistics: RatingsStatistics, summary: ValueSummary): void {
  statistics.firstTimestampMs = Math.min(statistics.firstTimestampMs, summary.firstTimestampMs);
  statistics.lastTimestampMs = Math.max(statistics.lastTimestampMs, summary.lastTimestampMs);
  for (const [rating, count] of summary.ratingCounts) {
    if (Number.isNaN(rating)) {
      statistics.ratingsMissing += count;
      continue;
    }
    if (rating < 0.5 || rating > 5) statistics.ratingsOutsideScale += count;
    statistics.ratingCounts.set(rating, (statistics.ratingCounts.get(rating) ?? 0) + count);
  }
}

/**
 * Counts rows whose (user, item) pair occurs earlier in the file.
 *
 * Where a user's rows lie together, as in MovieLens's files, one stamp an item is enough. The rows of users whose rows
 * lie scattered are collected (4 bytes a row) and counted user by user at the end of the file.
 */
class RepeatCounter {
  /** Shape [items]: 1 + the user that was seen with the item last. */
  readonly #stamps: Int32Array;
  /** Shape [users + 1]: where a scattered user's items go; equal neighbours for the others. */
  readonly #offsets: Float64Array;
  readonly #next: Float64Array;
  readonly #scatteredItems: Int32Array;
  #missing: number;

  constructor(segments: readonly (FileSegment | undefined)[], users: number, items: number) {
    this.#stamps = new Int32Array(items);
    const { runs, rows } = countRuns(segments, users);
    this.#offsets = new Float64Array(users + 1);
    for (let user = 0; user < users; user++) {
      this.#offsets[user + 1] = this.#offsets[user] + (runs[user] > 1 ? rows[user] : 0);
    }
    this.#next = this.#offsets.slice();
    this.#missing = this.#offsets[users];
    this.#scatteredItems = new Int32Array(this.#missing);
  }

  /** Repeats found with this segment; those of scattered users are found with the last of them. */
  add(segment: RatingColumns, users: Int32Array, items: Int32Array): number {
    const { runUser, runEnd, item } = segment;
    const stamps = this.#stamps;
    const offsets = this.#offsets;
    let repeats = 0;
    let start = 0;
    for (let run = 0; run < runUser.length; run++) {
      const user = users[runUser[run]];
      const end = runEnd[run];
      if (offsets[user] === offsets[user + 1]) {
        for (let i = start; i < end; i++) {
          const fileItem = items[item[i]];
          if (stamps[fileItem] === user + 1) repeats++;
          stamps[fileItem] = user + 1;
        }
      } else {
        for (let i = start; i < end; i++) this.#scatteredItems[this.#next[user]++] = items[item[i]];
        this.#missing -= end - start;
        if (this.#missing === 0) repeats += this.#countScattered();
      }
      start = end;
    }
    return repeats;
  }

  #countScattered(): number {
    const stamps = new Int32Array(this.#stamps.length);
    let repeats = 0;
    for (let user = 0; user + 1 < this.#offsets.length; user++) {
      for (let i = this.#offsets[user]; i < this.#offsets[user + 1]; i++) {
        const item = this.#scatteredItems[i];
        if (stamps[item] === user + 1) repeats++;
        stamps[item] = user + 1;
      }
    }
    return repeats;
  }
}

function countRuns(
  segments: readonly (FileSegment | undefined)[],
  users: number,
): { runs: Uint32Array; rows: Float64Array } {
  const runs = new Uint32Array(users);
  const rows = new Float64Array(users);
  let previous = -1;
  for (const entry of segments) {
    if (entry === undefined) continue;
    const { runUser, runEnd } = entry.segment;
    let start = 0;
    for (let run = 0; run < runUser.length; run++) {
      const user = entry.users[runUser[run]];
      if (user !== previous) runs[user]++;
      rows[user] += runEnd[run] - start;
      start = runEnd[run];
      previous = user;
    }
  }
  return { runs, rows };
}
