/** Scores summed over all final windows. A total may pass 2^53, so it is held in big integers. */
import { z } from "zod";
import type { Contender } from "./outcome.ts";
import { replicateCount } from "./poisson-bootstrap.ts";
import type { WindowSums } from "./window-sums.ts";

/** The sums that metrics come from; those of a window, or of many. */
export type ScoreSums = Pick<WindowSums, "cases" | "users" | "replicates" | Contender>;

const scalars = 8;
const width = scalars + 5 * replicateCount;

export const runningTotalSchema = z.object({
  windows: z.int().min(0),
  /** End of the last window included; null for none. */
  throughMs: z.int().nullable(),
  /** As `flat` orders them, in decimal text: JSON has no big integers. */
  values: z.array(z.string().regex(/^\d+$/)).length(width),
});

export type RunningTotalState = z.infer<typeof runningTotalSchema>;

export class RunningTotal {
  #windows = 0;
  #throughMs: number | null = null;
  readonly #values: bigint[];

  constructor(state?: RunningTotalState) {
    this.#values = Array.from({ length: width }, (_, i) => BigInt(state?.values[i] ?? 0));
    this.#windows = state?.windows ?? 0;
    this.#throughMs = state?.throughMs ?? null;
  }

  get windows(): number {
    return this.#windows;
  }

  get throughMs(): number | null {
    return this.#throughMs;
  }

  /** Takes a window in. */
  addWindow(endMs: number, sums: ScoreSums): void {
    this.#windows += 1;
    this.#throughMs = Math.max(this.#throughMs ?? endMs, endMs);
    this.add(sums);
  }

  /** Adds to a window that was taken in before. */
  add(sums: ScoreSums): void {
    flat(sums).forEach((value, i) => {
      this.#values[i] += BigInt(value);
    });
  }

  /** As doubles: exact up to 2^53, then rounded. */
  sums(): ScoreSums {
    return shaped(this.#values.map(Number));
  }

  save(): RunningTotalState {
    return { windows: this.#windows, throughMs: this.#throughMs, values: this.#values.map(String) };
  }
}

function flat({ cases, users, model, popularity, decayedPopularity, replicates }: ScoreSums): number[] {
  return [
    cases,
    users,
    model.hits,
    model.ndcg,
    popularity.hits,
    popularity.ndcg,
    decayedPopularity.hits,
    decayedPopularity.ndcg,
    ...replicates.cases,
    ...replicates.model,
    ...replicates.popularity,
    ...replicates.decayedPopularity,
    ...replicates.modelNdcg,
  ];
}

function shaped(values: number[]): ScoreSums {
  const replicates = (i: number): number[] =>
    values.slice(scalars + i * replicateCount, scalars + (i + 1) * replicateCount);
  return {
    cases: values[0],
    users: values[1],
    model: { hits: values[2], ndcg: values[3] },
    popularity: { hits: values[4], ndcg: values[5] },
    decayedPopularity: { hits: values[6], ndcg: values[7] },
    replicates: {
      cases: replicates(0),
      model: replicates(1),
      popularity: replicates(2),
      decayedPopularity: replicates(3),
      modelNdcg: replicates(4),
    },
  };
}
