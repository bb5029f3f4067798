/** The fast path of ingest: rows of four plain numbers, parsed from the bytes. */
import type { IdTable } from "./id-table.ts";
import type { SegmentColumns } from "./segment-columns.ts";
import { maxTimestampMs } from "./time-format.ts";

export interface NumberRowsTarget {
  readonly columns: SegmentColumns;
  readonly users: IdTable;
  readonly items: IdTable;
  /** Added to for each row parsed here. */
  line: number;
}

/**
 * Parses rows `user SEP item SEP rating SEP time` of unquoted decimal integers (the rating with one digit after the
 * point, if any) into the target, from `start` up to the first row of any other kind.
 *
 * At the first row of another kind it gives that row's start, for the slow path to read it from there. It never reads
 * past the end: every loop stops at a byte that is no digit, and the last byte is a line break.
 *
 * @param bytes must end with a line break
 * @param separator one byte, or the same byte twice
 * @param toMs what a unit of time is in milliseconds
 * @returns where the row of another kind begins, or the end
 */
export function parseNumberRows(
  bytes: Uint8Array,
  start: number,
  separator: string,
  toMs: number,
  target: NumberRowsTarget,
): number {
  const end = bytes.length;
  // Compared with `digit`, which is a byte less the code of "0".
  const separatorDigit = separator.charCodeAt(0) - 48;
  const separatorBytes = separator.length;
  const double = separatorBytes === 2;
  const maxTime = maxTimestampMs / toMs;
  const { columns, users, items } = target;
  let { item: itemColumn, seconds, ratingCode } = columns;
  let itemSlots = items.slots;
  let narrow = columns.narrow && toMs === 1000;
  let row = columns.rows;
  let line = target.line;
  let lastUser = -1;
  let lastUserIndex = -1;
  let rowStart = start;
  while (rowStart < end) {
    let p = rowStart;
    let digit = bytes[p] - 48;
    let user = 0;
    while (digit >= 0 && digit <= 9) {
      user = user * 10 + digit;
      digit = bytes[++p] - 48;
    }
    const userDigits = p - rowStart;
    if (digit !== separatorDigit || (double && bytes[p + 1] - 48 !== separatorDigit)) break;
    p += separatorBytes;
    const itemStart = p;
    let item = 0;
    digit = bytes[p] - 48;
    while (digit >= 0 && digit <= 9) {
      item = item * 10 + digit;
      digit = bytes[++p] - 48;
    }
    const itemDigits = p - itemStart;
    if (digit !== separatorDigit || (double && bytes[p + 1] - 48 !== separatorDigit)) break;
    p += separatorBytes;
    const ratingStart = p;
    let tenths = 0;
    digit = bytes[p] - 48;
    while (digit >= 0 && digit <= 9) {
      tenths = tenths * 10 + digit;
      digit = bytes[++p] - 48;
    }
    const ratingDigits = p - ratingStart;
    tenths *= 10;
    if (digit === -2) {
      digit = bytes[++p] - 48;
      if (!(digit >= 0 && digit <= 9)) break;
      tenths += digit;
      digit = bytes[++p] - 48;
    }
    if (digit !== separatorDigit || (double && bytes[p + 1] - 48 !== separatorDigit)) break;
    p += separatorBytes;
    const timeStart = p;
    let time = 0;
    digit = bytes[p] - 48;
    while (digit >= 0 && digit <= 9) {
      time = time * 10 + digit;
      digit = bytes[++p] - 48;
    }
    const timeDigits = p - timeStart;
    if (digit === 13 - 48) digit = bytes[++p] - 48;
    const wellFormed =
      digit === 10 - 48 &&
      userDigits > 0 &&
      userDigits <= 15 &&
      (bytes[rowStart] !== 48 || userDigits === 1) &&
      itemDigits > 0 &&
      itemDigits <= 15 &&
      (bytes[itemStart] !== 48 || itemDigits === 1) &&
      ratingDigits > 0 &&
      ratingDigits <= 4 &&
      timeDigits > 0 &&
      timeDigits <= 15 &&
      time <= maxTime;
    if (!wellFormed) break;

    if (user !== lastUser) {
      lastUser = user;
      lastUserIndex = users.indexOf(user);
    }
    const slot = item < itemSlots.length ? itemSlots[item] : 0;
    let itemIndex = slot - 1;
    if (slot === 0) {
      itemIndex = items.indexOf(item);
      itemSlots = items.slots;
    }
    if (narrow && tenths % 5 === 0 && tenths < 1275 && time < 4294967296) {
      if (row === itemColumn.length) {
        columns.rows = row;
        columns.grow();
        ({ item: itemColumn, seconds, ratingCode } = columns);
      }
      if (lastUserIndex !== columns.lastUser) {
        if (columns.runs > 0) columns.runEnd[columns.runs - 1] = row;
        columns.runUser[columns.runs++] = lastUserIndex;
        columns.lastUser = lastUserIndex;
      }
      itemColumn[row] = itemIndex;
      seconds[row] = time;
      ratingCode[row] = tenths / 5;
      row++;
    } else {
      columns.rows = row;
      columns.push(lastUserIndex, itemIndex, time * toMs, tenths / 10);
      row = columns.rows;
      narrow = columns.narrow && toMs === 1000;
      ({ item: itemColumn, seconds, ratingCode } = columns);
    }
    line++;
    rowStart = p + 1;
  }
  columns.rows = row;
  target.line = line;
  return rowStart;
}
