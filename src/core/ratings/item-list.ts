/** The lists of movies that come with MovieLens's ratings: `movies.csv`, `movies.dat`, `u.item`. */
import { isIntegerId, maxIdBytes, numericId } from "../ids.ts";
import type { ItemDetails, RejectedRows } from "../ratings.ts";
import { splitRecord } from "./delimited.ts";
import { Rejects } from "./rejects.ts";
import { textRecords } from "./text-records.ts";

/** The byte that separates fields where these may be quoted. */
const comma = 44;

export type ItemListFormat = "movies-csv" | "movies-dat" | "u-item";

/** The genres of ML-100K in the order of its flags, for folders that lack `u.genre`. */
const genresOf100K =
  "unknown Action Adventure Animation Children's Comedy Crime Documentary Drama Fantasy Film-Noir Horror Musical Mystery Romance Sci-Fi Thriller War Western".split(
    " ",
  );

/**
 * Parses a list of items. An id listed twice keeps its first entry.
 *
 * @param genreNames the content of `u.genre`, where there is one
 */
export function parseItemList(
  bytes: Uint8Array,
  format: ItemListFormat,
  genreNames?: string,
): { items: ItemDetails[]; rejected: RejectedRows[] } {
  const genres = genreNames === undefined ? genresOf100K : parseGenreNames(genreNames);
  const items = new Map<number, ItemDetails>();
  const rejects = new Rejects();
  for (const { line, text } of textRecords(bytes, format === "movies-csv" ? comma : -1)) {
    const isHeader = format === "movies-csv" && line === 1 && /^"?movieid/i.test(text);
    if (text.trim() === "" || isHeader) continue;
    const parsed = parseItem(text, format, genres);
    if (typeof parsed === "string") rejects.add(parsed, line, text);
    else if (items.has(parsed.id)) rejects.add("item id is listed twice", line, text);
    else items.set(parsed.id, parsed);
  }
  return { items: [...items.values()], rejected: rejects.rows() };
}

function parseItem(text: string, format: ItemListFormat, genreNames: readonly string[]): ItemDetails | string {
  const separator = format === "movies-csv" ? "," : format === "movies-dat" ? "::" : "|";
  const fields = splitRecord(text, separator, format === "movies-csv");
  if (fields === undefined) return "a quote is out of place or not closed";
  if (fields.length < 3) return "expected at least 3 fields";
  const [id] = fields;
  const unusable = unusableItemId(id);
  if (unusable !== null) return unusable;
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

/** Why a text is no item's id; null for one that is. */
export function unusableItemId(id: string): string | null {
  const bytes = isIntegerId(id) ? 1 : new TextEncoder().encode(id).length;
  return bytes === 0 || bytes > maxIdBytes ? `item id is empty or longer than ${maxIdBytes} bytes` : null;
}
