/** What sums are made of. */
import { z } from "zod";
import { replicateCount } from "./poisson-bootstrap.ts";

export const count = z.int().min(0);
export const nano = count.describe("In units of 1e-9");
export const replicate = z.array(count).length(replicateCount);
export const scoreSums = z.object({ hits: nano, ndcg: nano });

export function zeroReplicates(): number[] {
  return new Array<number>(replicateCount).fill(0);
}
