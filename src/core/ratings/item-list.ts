/** The lists of movies that come with MovieLens's ratings: `movies.csv`, `movies.dat`, `u.item`. */
import { isIntegerId, maxIdBytes, numericId } from "../ids.ts";
import type { ItemDetails, RejectedRows } from "../ratings.ts";
import { recordEnd, splitRecord, withoutLineBreak } from "./delimited.ts";

export type ItemListFormat = "movies-csv" | "movies-dat" | "u-item";

const maxExamples = 20;
const maxExampleCharacters = 120;
/** The genres of ML-100K in the order of its flags, for folders that lack `u.genre`. */
const genresOf100K =
  "unknown Action Adventure Animation Children's Comedy Crime Documentary Drama Fantasy Film-Noir Horror Musical Mystery Romance Sci-Fi Thriller War Western".split(
    " ",
  );

/**
 * Parses a list of items. Text that is not UTF-8 is taken for Windows-1252 (a superset of Latin-1), as in ML-100K and
 * ML-1M. An id listed twice keeps its first entry.
 *
 * @param genreNames the content of `u.genre`, where there is one
 */
export function parseItemList(
  bytes: Uint8Array,
  format: ItemListFormat,
  genreNames?: string,
): { items: ItemDetails[]; rejected: RejectedRows[] } {
  const decoder = textDecoderFor(bytes);
  const genres = genreNames === undefined ? genresOf100K : parseGenreNames(genreNames);
  const items = new Map<number, ItemDetails>();
  const rejected = new Map<string, { count: number; examples: { line: number; text: string }[] }>();
  let line = 1;
  for (let start = 0; start < bytes.length; ) {
    const end = recordEnd(bytes, start, format === "movies-csv" ? 44 : -1) || bytes.length;
    const raw = decoder.decode(bytes.subarray(start, end));
    const text = withoutLineBreak(raw);
    const isHeader = format === "movies-csv" && line === 1 && /^"?movieid/i.test(text);
    if (text.trim() !== "" && !isHeader) {
      const parsed = parseItem(text, format, genres);
      if (typeof parsed === "string") addReject(rejected, parsed, line, text);
      else if (items.has(parsed.id)) addReject(rejected, "item id is listed twice", line, text);
      else items.set(parsed.id, parsed);
    }
    line += Math.max(1, raw.split("\n").length - 1);
    start = end;
  }
  return { items: [...items.values()], rejected: [...rejected].map(([reason, kind]) => ({ reason, ...kind })) };
}

function parseItem(text: string, format: ItemListFormat, genreNames: readonly string[]): ItemDetails | string {
  const separator = format === "movies-csv" ? "," : format === "movies-dat" ? "::" : "|";
  const fields = splitRecord(text, separator, format === "movies-csv");
  if (fields === undefined) return "a quote is out of place or not closed";
  if (fields.length < 3) return "expected at least 3 fields";
  const [id] = fields;
  const bytes = isIntegerId(id) ? 1 : new TextEncoder().encode(id).length;
  if (bytes === 0 || bytes > maxIdBytes) return `item id is empty or longer than ${maxIdBytes} bytes`;
  if (format === "u-item") {
    const flags = fields.slice(-genreNames.length);
    return { id: numericId(id), title: fields[1], genres: genreNames.filter((_, i) => flags[i] === "1") };
  }
  const genres = fields[fields.length - 1];
  const title = fields.slice(1, -1).join(separator);
  return {
    id: numericId(id),
    title,
    genres: genres === "" || genres === "(no genres listed)" ? [] : genres.split("|"),
  };
}

/** `u.genre` has lines such as `Action|1`. */
function parseGenreNames(text: string): string[] {
  const lines = text.split(/\r?\n/).filter((line) => line.includes("|"));
  return lines
    .map((line) => line.split("|"))
    .sort((a, b) => Number(a[1]) - Number(b[1]))
    .map(([name]) => name);
}

function addReject(
  rejected: Map<string, { count: number; examples: { line: number; text: string }[] }>,
  reason: string,
  line: number,
  text: string,
): void {
  const kind = rejected.get(reason) ?? { count: 0, examples: [] };
  rejected.set(reason, kind);
  kind.count++;
  if (kind.examples.length < maxExamples) kind.examples.push({ line, text: text.slice(0, maxExampleCharacters) });
}

function textDecoderFor(bytes: Uint8Array): InstanceType<typeof TextDecoder> {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return new TextDecoder("utf-8");
  } catch {
    return new TextDecoder("windows-1252");
  }
}
