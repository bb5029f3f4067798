/**
 * When a user rates: in sittings, with seconds between two ratings of one sitting and days between sittings. Up to 2002
 * MovieLens took a page of ratings at once, so that neighbours share a second; the tables are fitted to ml-latest-small.
 */
import { exp, log, pow } from "../math.ts";
import type { Rng } from "../rng.ts";
import { lookupTable, type QuantileTable } from "./quantiles.ts";
import type { SyntheticShape } from "./shapes.ts";
import { generatorRng, normal } from "./streams.ts";

const secondsPerDay = 86_400;
const lookupBits = 12;

/** Seconds from one page of ratings to the next, up to 2002. */
const pageGaps: QuantileTable = [
  [0, 1],
  [0.1, 14],
  [0.3, 23],
  [0.5, 31],
  [0.7, 44],
  [0.9, 103],
  [0.98, 325],
  [1, 1750],
];

/** Seconds between two ratings, from 2003. */
const ratingGaps: QuantileTable = [
  [0, 1],
  [0.1, 2.6],
  [0.2, 4],
  [0.3, 5.6],
  [0.4, 7.6],
  [0.5, 10.5],
  [0.6, 14],
  [0.7, 21],
  [0.8, 34],
  [0.9, 73],
  [0.95, 145],
  [0.98, 315],
  [0.99, 540],
  [1, 1750],
];

/** Days between two sittings of one user. */
const sittingGaps: QuantileTable = [
  [0, 0.021],
  [0.1, 0.14],
  [0.2, 0.73],
  [0.3, 1.04],
  [0.5, 3.6],
  [0.7, 8.2],
  [0.9, 37],
  [0.98, 203],
  [1, 2400],
];

const pageGapSeconds = lookupTable(pageGaps, 1 << lookupBits).map(Math.round);
const ratingGapSeconds = lookupTable(ratingGaps, 1 << lookupBits).map(Math.round);
const sittingGapDays = lookupTable(sittingGaps, 1 << lookupBits);

/** The end of page-wise rating: 2003-01-01. */
const pagesEndSecond = Date.UTC(2003, 0, 1) / 1000;

const pick = (table: Float64Array, rng: Rng): number => table[rng.bits() >>> (32 - lookupBits)];

/** Shape [count]: the seconds (UTC) at which user `user` rates, ascending. */
export function ratingSeconds(shape: SyntheticShape, seed: number, user: number, count: number): Float64Array {
  const lengths = sittingLengths(count, generatorRng(seed, "sittings", user));
  const rng = generatorRng(seed, "start", user);
  const start = joinSecond(shape, rng);
  const inPages = start < pagesEndSecond;
  const pageShare = inPages ? pageTies(rng) : 0;
  const pace = 0.8 * exp(0.9 * normal(rng));
  // Those who rate little are done quickly.
  const leisure = exp(0.4 * normal(rng)) * pow(count / 300, 0.2);
  const seconds = new Float64Array(count);
  let now = start;
  let position = 0;
  lengths.forEach((length, sitting) => {
    if (sitting > 0) now += 1800 + Math.round(pace * pick(sittingGapDays, rng) * secondsPerDay);
    const paged = now < pagesEndSecond;
    const table = paged ? pageGapSeconds : ratingGapSeconds;
    const ties = paged ? pageShare : 0.006;
    for (let i = 0; i < length; i++) {
      if (i > 0 && rng.unit() >= ties) now += Math.max(1, Math.round(leisure * pick(table, rng)));
      seconds[position++] = now;
    }
  });
  return fitInto(seconds, shape);
}

/** The share of ratings that share a second with the one before: some sent pages, some single ratings. */
function pageTies(rng: Rng): number {
  return rng.unit() < 0.15 ? 0.02 : 0.35 + 0.4 * rng.unit();
}

function joinSecond(shape: SyntheticShape, rng: Rng): number {
  let total = 0;
  for (const weight of shape.joiners) total += weight;
  let rest = rng.unit() * total;
  let year = 0;
  while (year < shape.joiners.length - 1 && rest >= shape.joiners[year]) rest -= shape.joiners[year++];
  const first = new Date(shape.firstSecond * 1000).getUTCFullYear();
  const from = Math.max(shape.firstSecond, Date.UTC(first + year, 0, 1) / 1000);
  const to = Math.min(shape.lastSecond, Date.UTC(first + year + 1, 0, 1) / 1000);
  return from + Math.floor(rng.unit() * (to - from));
}

/** How many ratings fall into each sitting: half of all users come once, and some come hundreds of times. */
function sittingLengths(count: number, rng: Rng): number[] {
  const logOdds = 2.2 - 1.45 * (log(count) - 3.09);
  if (count === 1 || rng.unit() < 1 / (1 + exp(-logOdds))) return [count];
  const first = Math.min(count - 1, Math.max(1, Math.round(count * (0.04 + 0.92 * rng.unit() ** 1.5))));
  const rest = count - first;
  const usualLength = exp(2.8 + 1.2 * normal(rng));
  const later = Math.min(rest, Math.max(1, Math.round(rest / usualLength)));
  const weights = Array.from({ length: later }, () => exp(1.3 * normal(rng)));
  let total = 0;
  for (const weight of weights) total += weight;
  const lengths = [first];
  let share = 0;
  let given = 0;
  for (let i = 0; i < later; i++) {
    share += weights[i] / total;
    // Each later sitting has one rating; the others are dealt out in proportion to the weights.
    const upTo = i === later - 1 ? rest - later : Math.round((rest - later) * share);
    lengths.push(1 + upTo - given);
    given = upTo;
  }
  return lengths;
}

/** Moves, or where that is not enough squeezes, the times into the shape's range. */
function fitInto(seconds: Float64Array, shape: SyntheticShape): Float64Array {
  const last = seconds[seconds.length - 1];
  if (last <= shape.lastSecond) return seconds;
  const first = seconds[0];
  const start = Math.max(shape.firstSecond, first - (last - shape.lastSecond));
  const squeeze = Math.min(1, (shape.lastSecond - start) / (last - first));
  return seconds.map((second) => start + Math.floor((second - first) * squeeze));
}
