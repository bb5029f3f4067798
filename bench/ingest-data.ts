/** A ratings.csv of ML-20M's size and shape for bench/ingest.ts: only what parsing and splitting can feel. */
import { closeSync, openSync, writeSync } from "node:fs";
import { purposes, Rng, streamKey } from "../src/core/rng.ts";

const rows = 20_000_263;
const users = 138_493;
const items = 27_278;
const minRows = 20;

/** Users in order with at least 20 movies each, movies ascending with popular ones more often, times that tie often. */
export function writeRatings(path: string): void {
  const file = openSync(path, "w");
  const rng = new Rng(streamKey(1, purposes.generator));
  let text = "userId,movieId,rating,timestamp\n";
  let left = rows;
  for (let user = 1; user <= users; user++) {
    const othersNeed = minRows * (users - user);
    const mean = (left - othersNeed - minRows) / (users - user + 1);
    const wanted = user === users ? left : minRows + Math.round(-Math.log(rng.unit()) * mean);
    const count = Math.min(wanted, left - othersNeed, 9000);
    left -= count;
    const movies = new Set<number>();
    while (movies.size < count) movies.add(Math.floor(rng.unit() ** 2 * items));
    let time = 800_000_000 + rng.below(600_000_000);
    for (const movie of [...movies].sort((a, b) => a - b)) {
      if (rng.unit() < 0.5) time += rng.below(300);
      const id = movie < 9000 ? movie + 1 : Math.floor(movie * 4.8) + 1;
      text += `${user},${id},${(1 + rng.below(10)) / 2},${time}\n`;
    }
    if (text.length > 4e6) {
      writeSync(file, text);
      text = "";
    }
  }
  writeSync(file, text);
  closeSync(file);
}
