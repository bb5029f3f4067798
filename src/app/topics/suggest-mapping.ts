/** Guesses from sample records where user, item and time lie in JSON of another form. A person is to look at the guess. */
import type { EventFields, EventMapping, TimeFormat } from "../../streaming/event-mapping.ts";

export interface KindField {
  readonly path: string;
  /** Most frequent first. */
  readonly values: readonly { readonly value: string; readonly count: number }[];
}

interface Field {
  readonly path: string;
  /** The words of the path: `customer.firstSeen_at` has customer, first, seen, at. */
  readonly words: readonly string[];
  readonly values: readonly unknown[];
}

const maxDepth = 5;
/** A field that fewer of the records have is not suggested. */
const leastShare = 0.5;
const maxKinds = 12;

const users = ["user", "customer", "member", "account", "visitor", "client", "person", "actor", "subscriber", "buyer"];
const moreUsers = ["viewer", "shopper", "player", "listener", "reader", "uid"];
const items = ["item", "product", "sku", "movie", "article", "content", "track", "song", "video", "book", "asset"];
const moreItems = ["media", "listing", "offer", "asin", "isbn", "show", "title", "entity", "object"];
const times = ["timestamp", "time", "ts", "date", "datetime", "at", "occurred", "when"];
const ids = ["id", "ids", "key", "uuid", "guid", "sku", "asin", "isbn", "uid", "no", "number"];
/** What is about a user, an item or a moment, but does not tell which, or is another one than the event's. */
const besides = ["agent", "type", "name", "email", "country", "ip", "price", "count", "url", "category", "status"];
const otherMoments = ["updated", "received", "ingested", "processed", "expires", "expiry", "birth", "zone"];
const kinds = ["type", "action", "kind", "event", "verb"];

/** @returns null where no user, item or time can be made out */
export function suggestMapping(records: readonly object[]): EventMapping | null {
  const fields = fieldsOf(records).filter(({ values }) => values.length >= leastShare * records.length);
  const user = best(fields, (field) => idScore(field, [...users, ...moreUsers]));
  const item = best(fields, (field) => idScore(field, [...items, ...moreItems]));
  const time = best(fields, timeScore);
  if (user === null || item === null || time === null || user === item) return null;
  const paths: EventFields = { userId: user.path, itemId: item.path, timestampMs: time.path };
  const format = timeFormatOf(time.values);
  return { fields: paths, ...(format !== null && format !== "ms" && { time: format }) };
}

/** Fields of few values that seem to tell kinds of records apart: for `only`. */
export function kindFields(records: readonly object[]): KindField[] {
  return fieldsOf(records).flatMap(({ path, words, values }) => {
    if (!values.every((value) => typeof value === "string") || !kinds.includes(words.at(-1) ?? "")) return [];
    const counts = new Map<string, number>();
    for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
    if (counts.size < 2 || counts.size > maxKinds) return [];
    const sorted = [...counts].map(([value, count]) => ({ value, count })).sort((a, b) => b.count - a.count);
    return [{ path, values: sorted }];
  });
}

function best(fields: readonly Field[], score: (field: Field) => number): Field | null {
  const [first] = fields.map((field) => ({ field, score: score(field) })).sort((a, b) => b.score - a.score);
  return first !== undefined && first.score > 0 ? first.field : null;
}

function idScore({ words, values }: Field, names: readonly string[]): number {
  if (!values.every((value) => typeof value === "string" || Number.isSafeInteger(value))) return 0;
  const last = words.at(-1) ?? "";
  const named = words.some((word) => names.includes(word));
  if (!named || times.includes(last)) return 0;
  const direct = names.includes(words.at(-2) ?? "") || names.includes(last);
  return 10 + (ids.includes(last) ? 4 : 0) + (direct ? 2 : 0) - (besides.includes(last) ? 8 : 0) - words.length / 10;
}

function timeScore({ words, values }: Field): number {
  if (timeFormatOf(values) === null) return 0;
  const named = words.filter((word) => times.includes(word)).length;
  const other = words.some((word) => otherMoments.includes(word));
  return named === 0 ? 0 : 10 + named - (other ? 8 : 0) - words.length / 10;
}

/** Null where the values are no times, or not all in one format. Unlike the stream, this may guess by size: 1973 to 5138. */
function timeFormatOf(values: readonly unknown[]): TimeFormat | null {
  const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);
  if (values.every((value) => Number.isSafeInteger(value) && Number(value) >= 1e11 && Number(value) < 1e14))
    return "ms";
  if (values.every((value) => isNumber(value) && value >= 1e8 && value < 1e11)) return "s";
  const iso = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d.*(?:[Zz]|[+-]\d\d:?(?:\d\d)?)$/;
  return values.every((value) => typeof value === "string" && iso.test(value)) ? "iso" : null;
}

/** Values that are no objects, by path, of all records. */
function fieldsOf(records: readonly object[]): Field[] {
  const found = new Map<string, unknown[]>();
  const visit = (json: object, prefix: string, depth: number): void => {
    for (const [name, value] of Object.entries(json)) {
      // Such a path could not be written.
      if (name === "" || /[.[\]$]/.test(name) || value === null) continue;
      const path = prefix + name;
      if (typeof value !== "object") found.set(path, [...(found.get(path) ?? []), value]);
      else if (!Array.isArray(value) && depth < maxDepth) visit(value, `${path}.`, depth + 1);
    }
  };
  for (const record of records) visit(record, "", 1);
  return [...found].map(([path, values]) => ({ path, words: wordsOf(path), values }));
}

function wordsOf(path: string): string[] {
  const split = path.replaceAll(/([a-z0-9])([A-Z])/g, "$1 $2").split(/[^A-Za-z0-9]+/);
  return split.map((word) => word.toLowerCase()).filter((word) => word !== "");
}
