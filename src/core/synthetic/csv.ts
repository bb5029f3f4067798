/** Generated data as the bytes of MovieLens's ratings.csv and movies.csv. */
import type { ItemDetails } from "../ratings.ts";
import type { SyntheticUser } from "./dataset.ts";

const chunkBytes = 1 << 18;
/** Longest line: three integers of 16 digits, a rating and separators. */
const longestLineBytes = 64;

const encoder = new TextEncoder();
const digits = new Uint8Array(20);

/** The bytes of ratings.csv in chunks of about 256 KB, each a fresh array. */
export function* ratingsCsv(
  users: Iterable<SyntheticUser>,
  movies: readonly ItemDetails[],
): Generator<Uint8Array<ArrayBuffer>, void, undefined> {
  const header = encoder.encode("userId,movieId,rating,timestamp\n");
  let buffer = new Uint8Array(chunkBytes);
  buffer.set(header);
  let at = header.length;
  for (const { id, movies: rated, stars, seconds } of users) {
    for (let i = 0; i < rated.length; i++) {
      if (at + longestLineBytes > chunkBytes) {
        yield buffer.subarray(0, at);
        buffer = new Uint8Array(chunkBytes);
        at = 0;
      }
      at = putInteger(buffer, at, id, comma);
      at = putInteger(buffer, at, movies[rated[i]].id, comma);
      at = putInteger(buffer, at, Math.floor(stars[i]), dot);
      at = putInteger(buffer, at, (stars[i] % 1) * 10, comma);
      at = putInteger(buffer, at, seconds[i], newline);
    }
  }
  yield buffer.subarray(0, at);
}

/** The bytes of movies.csv; a title with a comma or a quote is quoted. */
export function moviesCsv(movies: readonly ItemDetails[]): Uint8Array {
  const lines = movies.map(({ id, title, genres }) => {
    const quoted = /[",]/.test(title) ? `"${title.replaceAll('"', '""')}"` : title;
    return `${id},${quoted},${genres.join("|")}\n`;
  });
  return encoder.encode(`movieId,title,genres\n${lines.join("")}`);
}

const comma = 44;
const dot = 46;
const newline = 10;

/** Writes a whole number of 0 or more and one more character; returns the position behind them. */
function putInteger(buffer: Uint8Array, at: number, value: number, after: number): number {
  let length = 0;
  let rest = value;
  do {
    const next = Math.floor(rest / 10);
    digits[length++] = 48 + rest - next * 10;
    rest = next;
  } while (rest > 0);
  let position = at;
  while (length > 0) buffer[position++] = digits[--length];
  buffer[position++] = after;
  return position;
}
