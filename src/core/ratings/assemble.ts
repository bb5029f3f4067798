/** Puts parsed segments together, in file order, into one table and its statistics. */
import { labelsOf } from "../ids.ts";
import type { RatingTable, RejectedRows } from "../ratings.ts";
import { IdTable } from "./id-table.ts";
import type { RatingsSegment, SegmentIds } from "./segment.ts";
import { ColumnReader, type RatingColumns } from "./segment-columns.ts";
import { addSegmentStatistics, newStatistics, type RatingsStatistics } from "./statistics.ts";
import { ratingOfCode } from "./value-summary.ts";

const maxExamples = 20;

interface PlacedSegment {
  readonly segment: RatingsSegment;
  /** The segment's user and item indices → those of the whole file. */
  readonly users: Int32Array;
  readonly items: Int32Array;
}

export interface AssembledRatings {
  readonly table: RatingTable;
  /** First title seen of an item, by numeric id. */
  readonly titles: ReadonlyMap<number, string>;
  /** Of all rows of the file, whichever users were selected. */
  readonly statistics: RatingsStatistics;
  readonly rejected: readonly RejectedRows[];
  /** Shape [items]: numeric ids of all rated items of the file. */
  readonly itemIds: Float64Array;
  readonly users: number;
  readonly idCollisions: number;
}

/**
 * Which users' rows to keep, decided when all users are known.
 *
 * @param userIds distinct numeric ids in order of first appearance
 * @returns shape [userIds.length], 1 to keep a user and 0 to drop one
 */
export type SelectUsers = (userIds: Float64Array) => Uint8Array;

/** Collects segments compactly, so that the users to keep can be chosen after one pass over the file. */
export class RatingsAssembler {
  readonly #users = new IdTable();
  readonly #items = new IdTable();
  readonly #titles = new Map<number, string>();
  readonly #rejected = new Map<string, { count: number; examples: { line: number; text: string }[] }>();
  #placed: (PlacedSegment | undefined)[] = [];
  rowsKept = 0;
  rowsRejected = 0;
  #lines: number;

  /** @param firstLine the 1-based line number of the first segment's start */
  constructor(firstLine: number) {
    this.#lines = firstLine - 1;
  }

  /** Adds the next segment of the file; its line numbers count from its own first line. */
  add(segment: RatingsSegment): void {
    const users = absorb(this.#users, segment.users);
    const items = absorb(this.#items, segment.items);
    for (const [index, title] of segment.titles) {
      const item = items[index];
      if (!this.#titles.has(item)) this.#titles.set(item, title);
    }
    this.#addRejected(segment.rejected);
    this.rowsKept += segment.rows;
    this.rowsRejected += segment.rowsRejected;
    this.#lines += segment.lines;
    if (segment.rows > 0) this.#placed.push({ segment, users, items });
  }

  #addRejected(rejected: readonly RejectedRows[]): void {
    for (const { reason, count, examples } of rejected) {
      let kind = this.#rejected.get(reason);
      if (kind === undefined) {
        kind = { count: 0, examples: [] };
        this.#rejected.set(reason, kind);
      }
      kind.count += count;
      for (const { line, text } of examples.slice(0, maxExamples - kind.examples.length)) {
        kind.examples.push({ line: line + this.#lines, text });
      }
    }
  }

  /** The rejected rows so far, the most frequent reason first. */
  rejected(): RejectedRows[] {
    const kinds = [...this.#rejected].map(([reason, kind]) => ({ reason, ...kind }));
    return kinds.sort((a, b) => b.count - a.count || (a.reason < b.reason ? -1 : 1));
  }

  /** Builds the table of the selected users' rows (all by default). The segments' memory is given back as they are copied. */
  finish(selectUsers?: SelectUsers): AssembledRatings {
    const userIds = this.#users.ids();
    const itemIds = this.#items.ids();
    const selected = selectUsers?.(userIds) ?? new Uint8Array(userIds.length).fill(1);
    const placed = this.#placed;
    this.#placed = [];
    const statistics = newStatistics(placed, userIds.length, itemIds.length);
    const rows = new TableRows(countSelected(placed, selected), userIds, itemIds, selected);
    const reader = new ColumnReader();
    for (let i = 0; i < placed.length; i++) {
      const { segment, users, items } = placed[i] as PlacedSegment;
      const columns = reader.copy(segment);
      addSegmentStatistics(statistics, columns, users, items);
      rows.add(columns, users, items);
      segment.memory.resize(0);
      placed[i] = undefined;
    }
    const titles = new Map([...this.#titles].map(([item, title]) => [itemIds[item], title]));
    return {
      table: rows.table(this.#users.labels, this.#items.labels),
      titles,
      statistics,
      rejected: this.rejected(),
      itemIds,
      users: userIds.length,
      idCollisions: this.#users.collisions.size + this.#items.collisions.size,
    };
  }
}

/** Interns a segment's ids in the whole file's table. Shape [segment ids]: their indices there. */
function absorb(table: IdTable, { ids, labels, collisions }: SegmentIds): Int32Array {
  const indices = new Int32Array(ids.length);
  for (let i = 0; i < ids.length; i++) {
    const label = labels.get(ids[i]);
    indices[i] = label === undefined ? table.indexOf(ids[i]) : table.indexOfText(label);
  }
  for (const text of collisions) table.indexOfText(text);
  return indices;
}

function countSelected(placed: readonly (PlacedSegment | undefined)[], selected: Uint8Array): number {
  let count = 0;
  for (const entry of placed) {
    if (entry === undefined) continue;
    const { runUser, runEnd } = entry.segment;
    let start = 0;
    for (let run = 0; run < runUser.length; run++) {
      if (selected[entry.users[runUser[run]]] === 1) count += runEnd[run] - start;
      start = runEnd[run];
    }
  }
  return count;
}

/** The columns of a table while they are filled; users and items without a kept row get no index. */
class TableRows {
  readonly #user: Int32Array;
  readonly #item: Int32Array;
  readonly #timestampMs: Float64Array;
  readonly #rating: Float32Array;
  readonly #selected: Uint8Array;
  readonly #users: Renumbering;
  readonly #items: Renumbering;
  #length = 0;

  constructor(rows: number, userIds: Float64Array, itemIds: Float64Array, selected: Uint8Array) {
    this.#user = new Int32Array(rows);
    this.#item = new Int32Array(rows);
    this.#timestampMs = new Float64Array(rows);
    this.#rating = new Float32Array(rows);
    this.#selected = selected;
    this.#users = new Renumbering(userIds);
    this.#items = new Renumbering(itemIds);
  }

  add({ runUser, runEnd, item, time, rating }: RatingColumns, users: Int32Array, items: Int32Array): void {
    const toMs = time instanceof Uint32Array ? 1000 : 1;
    const coded = rating instanceof Uint8Array;
    const { selected, slots, userColumn, itemColumn, timeColumn, ratingColumn } = this.#columns();
    let row = this.#length;
    let start = 0;
    for (let run = 0; run < runUser.length; run++) {
      const fileUser = users[runUser[run]];
      const end = runEnd[run];
      if (selected[fileUser] === 1) {
        const user = this.#users.indexOf(fileUser);
        userColumn.fill(user, row, row + end - start);
        for (let i = start; i < end; i++) {
          const fileItem = items[item[i]];
          const slot = slots[fileItem];
          itemColumn[row] = slot !== 0 ? slot - 1 : this.#items.indexOf(fileItem);
          timeColumn[row] = time[i] * toMs;
          ratingColumn[row] = coded ? ratingOfCode(rating[i]) : rating[i];
          row++;
        }
      }
      start = end;
    }
    this.#length = row;
  }

  /** As locals in the loop over rows these are read once, not once a row. */
  #columns() {
    return {
      selected: this.#selected,
      slots: this.#items.slots,
      userColumn: this.#user,
      itemColumn: this.#item,
      timeColumn: this.#timestampMs,
      ratingColumn: this.#rating,
    };
  }

  table(userLabels: ReadonlyMap<number, string>, itemLabels: ReadonlyMap<number, string>): RatingTable {
    const userIds = this.#users.ids();
    const itemIds = this.#items.ids();
    return {
      length: this.#length,
      userIds,
      itemIds,
      userLabels: labelsOf(userIds, userLabels),
      itemLabels: labelsOf(itemIds, itemLabels),
      user: this.#user,
      item: this.#item,
      timestampMs: this.#timestampMs,
      rating: this.#rating,
    };
  }
}

/** Indices of the whole file → indices in order of first use. */
class Renumbering {
  readonly #fileIds: Float64Array;
  /** Index in the file → new index + 1, 0 for not used yet. */
  readonly slots: Int32Array;
  readonly #used: Int32Array;
  #length = 0;

  constructor(fileIds: Float64Array) {
    this.#fileIds = fileIds;
    this.slots = new Int32Array(fileIds.length);
    this.#used = new Int32Array(fileIds.length);
  }

  indexOf(fileIndex: number): number {
    const slot = this.slots[fileIndex];
    if (slot !== 0) return slot - 1;
    this.#used[this.#length] = fileIndex;
    this.slots[fileIndex] = ++this.#length;
    return this.#length - 1;
  }

  ids(): Float64Array {
    return Float64Array.from(this.#used.subarray(0, this.#length), (fileIndex) => this.#fileIds[fileIndex]);
  }
}
