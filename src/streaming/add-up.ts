/** Sums of sums. */
import { NcfError } from "../core/errors.ts";

interface SumTree {
  [key: string]: number | number[] | SumTree | SumTree[];
}

/**
 * Adds each number of `source` to the one in the same place of `target`; what `target` lacks is copied.
 *
 * @throws NcfError `SUM_OVERFLOW` where a sum leaves the range of exact integers
 */
export function addUp(target: SumTree | SumTree[] | number[], source: SumTree | SumTree[] | number[]): void {
  for (const key of Object.keys(source)) {
    const into = target as SumTree;
    const value = (source as SumTree)[key];
    if (typeof value === "number") into[key] = exactSum(((into[key] as number | undefined) ?? 0) + value);
    else if (into[key] === undefined) into[key] = structuredClone(value);
    else addUp(into[key] as SumTree, value);
  }
}

function exactSum(sum: number): number {
  if (!Number.isSafeInteger(sum)) {
    throw new NcfError(
      "SUM_OVERFLOW",
      `expected sums of a window below 2^53, which is 9 million hits, found ${sum}; choose shorter windows`,
    );
  }
  return sum;
}
