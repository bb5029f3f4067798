/**
 * The lines of the NCF benchmark's files (He et al. 2017): `*.train.rating` and `*.test.rating` hold a user, an item, a rating
 * and a time in seconds, `*.test.negative` a pair `(user,item)` and the items that it is ranked among.
 */
import { NcfError } from "../../core/errors.ts";
import { isIntegerId, numericId } from "../../core/ids.ts";

/** A text file, line by line. */
export interface LineSource {
  /** Names it in errors. */
  readonly name: string;
  readonly lines: AsyncIterable<string>;
}

/** What ids stand for that are not integers, by their number. */
export interface IdLabels {
  readonly users: Map<number, string>;
  readonly items: Map<number, string>;
}

/** Row i says that the user touched the item; rows are in the order of the file. */
export interface RatingLines {
  readonly name: string;
  readonly userIds: readonly number[];
  readonly itemIds: readonly number[];
  /** Null where the file has no times. */
  readonly timestampsMs: readonly number[] | null;
  /** 1-based, of each row. */
  readonly lineNumbers: readonly number[];
}

export interface CandidateLine {
  readonly lineNumber: number;
  readonly userId: number;
  readonly testItemId: number;
  readonly candidateIds: readonly number[];
}

/** The last moment that a JavaScript date can hold, in seconds. */
const maxSeconds = 8.64e12;

/**
 * Two columns (user and item), three (and a rating, which is not read) or four (and a time), the same in all lines.
 *
 * @throws NcfError `BENCHMARK_LINE` naming the line, `BENCHMARK_EMPTY`
 */
export async function readRatingLines({ name, lines }: LineSource, labels: IdLabels): Promise<RatingLines> {
  const [userIds, itemIds, timestampsMs, lineNumbers]: number[][] = [[], [], [], []];
  let width = 0;
  for await (const { text, lineNumber } of numbered(lines)) {
    const columns = text.split(/[\t ]+/);
    const expected = width === 0 ? "2 to 4 columns" : `${width} columns, as in the lines before`;
    width ||= columns.length;
    if (columns.length !== width || width < 2 || width > 4) {
      throw badLine(name, lineNumber, `${expected} (user, item, rating, time in seconds) with tabs between`, text);
    }
    userIds.push(idOf(columns[0], labels.users, name, lineNumber));
    itemIds.push(idOf(columns[1], labels.items, name, lineNumber));
    lineNumbers.push(lineNumber);
    if (width < 4) continue;
    const seconds = Number(columns[3]);
    if (!(seconds >= 0 && seconds <= maxSeconds)) throw badLine(name, lineNumber, "a time in seconds since 1970", text);
    timestampsMs.push(Math.round(seconds * 1000));
  }
  if (userIds.length === 0)
    throw new NcfError("BENCHMARK_EMPTY", `expected a line for each rating in ${name}, found none`);
  return { name, userIds, itemIds, lineNumbers, timestampsMs: width === 4 ? timestampsMs : null };
}

/** @throws NcfError `BENCHMARK_LINE` naming the line */
export async function readCandidateLines({ name, lines }: LineSource, labels: IdLabels): Promise<CandidateLine[]> {
  const found: CandidateLine[] = [];
  for await (const { text, lineNumber } of numbered(lines)) {
    const [pair, ...candidates] = text.split(/\t| (?![^(]*\))/);
    const [, user, item] = /^\(\s*([^,()]+?)\s*,\s*([^,()]+?)\s*\)$/.exec(pair) ?? [];
    if (user === undefined || item === undefined || candidates.length === 0) {
      throw badLine(name, lineNumber, "(user,item) and the ids of its candidates with tabs between", text);
    }
    found.push({
      lineNumber,
      userId: idOf(user, labels.users, name, lineNumber),
      testItemId: idOf(item, labels.items, name, lineNumber),
      candidateIds: candidates.map((id) => idOf(id, labels.items, name, lineNumber)),
    });
  }
  return found;
}

/** @param expected what should stand there */
export function badLine(name: string, lineNumber: number, expected: string, found: string): NcfError {
  const text = found.length > 120 ? `${found.slice(0, 120)}…` : found;
  return new NcfError("BENCHMARK_LINE", `${name}, line ${lineNumber}: expected ${expected}, found "${text}"`);
}

async function* numbered(lines: AsyncIterable<string>): AsyncGenerator<{ text: string; lineNumber: number }> {
  let lineNumber = 0;
  for await (const line of lines) {
    lineNumber += 1;
    const text = line.trim();
    if (text !== "") yield { text, lineNumber };
  }
}

function idOf(text: string, labels: Map<number, string>, name: string, lineNumber: number): number {
  try {
    const id = numericId(text);
    if (!isIntegerId(text)) labels.set(id, text);
    return id;
  } catch (cause) {
    throw cause instanceof NcfError ? badLine(name, lineNumber, "ids of 1 to 128 bytes", text) : cause;
  }
}
