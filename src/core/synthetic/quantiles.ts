/** Quantile functions given by a few points, and integer counts that follow one and add up to a total. */
import { exp, log } from "../math.ts";

/** Points (probability, value) of a quantile function, ascending in both, from probability 0 to 1; values above 0. */
export type QuantileTable = readonly (readonly [probability: number, value: number])[];

/** The value at probability `p`, linear in the logarithm of the value between two points. */
function quantileAt(table: QuantileTable, p: number): number {
  let i = 1;
  while (i < table.length - 1 && table[i][0] < p) i++;
  const [p0, v0] = table[i - 1];
  const [p1, v1] = table[i];
  const share = Math.min(1, Math.max(0, (p - p0) / (p1 - p0)));
  return v0 === v1 ? v0 : exp((1 - share) * log(v0) + share * log(v1));
}

/** Shape [size]: the quantile function at the middle of `size` equal steps, for draws by index. */
export function lookupTable(table: QuantileTable, size: number): Float64Array {
  return Float64Array.from({ length: size }, (_, i) => quantileAt(table, (i + 0.5) / size));
}

/**
 * Counts whose distribution follows `table`, ascending, with exactly the sum `total`: floor + (quantile − floor) · s,
 * cut to floor … cap, where s makes the sum fit.
 *
 * @param floor the least count; `size · floor ≤ total ≤ size · cap` must hold
 */
export function countsWithTotal(
  table: QuantileTable,
  size: number,
  total: number,
  floor: number,
  cap: number,
): Int32Array {
  const excess = Float64Array.from({ length: size }, (_, i) =>
    Math.max(0, quantileAt(table, size === 1 ? 0.5 : i / (size - 1)) - table[0][1]),
  );
  const counts = new Int32Array(size);
  const fill = (scale: number): number => {
    let sum = 0;
    for (let i = 0; i < size; i++) {
      counts[i] = Math.min(cap, floor + Math.floor(excess[i] * scale));
      sum += counts[i];
    }
    return sum;
  };
  let low = 0;
  let high = 1;
  while (fill(high) <= total && high < 1e12) high *= 2;
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (fill(middle) <= total) low = middle;
    else high = middle;
  }
  let missing = total - fill(low);
  // What rounding left over goes one by one to the upper half, whose relative change is least.
  for (let i = size >>> 1; missing > 0; i = (i + 1) % size) {
    if (counts[i] < cap) {
      counts[i]++;
      missing--;
    }
  }
  return counts.sort();
}
