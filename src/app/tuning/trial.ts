/** What is known of one trial of a search: a file of its own, written whenever a rung is done. */
import { z } from "zod";
import { NcfError } from "../../core/errors.ts";
import { decodeJson } from "../../core/json.ts";
import type { Settings } from "./search-space.ts";

const trialSchema = z.object({
  trial: z.int(),
  settings: z.record(z.string(), z.json()),
  /** The searched metric on the validation split after each epoch. */
  validation: z.array(z.number()).readonly(),
  /** Standard error over users of the best epoch's. */
  standardError: z.number(),
  seconds: z.number(),
  parameters: z.int(),
  /** Why it could not be trained, such as a loss that is not finite; null by default. */
  failure: z.string().nullable(),
});

export interface Trial extends Readonly<Omit<z.infer<typeof trialSchema>, "settings">> {
  readonly settings: Settings;
}

/** Where a trial keeps a file. */
export function trialKey(trial: number, file: string): string {
  return `trials/${String(trial).padStart(4, "0")}/${file}`;
}

/** @throws NcfError `FILE_FOREIGN` */
export function parseTrial(bytes: Uint8Array, what: string): Trial {
  try {
    return trialSchema.parse(decodeJson(bytes));
  } catch (cause) {
    throw new NcfError("FILE_FOREIGN", `${what}: expected a trial of ncf tune. Choose another folder`, { cause });
  }
}

/** The best validation so far; −∞ for one that failed. */
export function bestOf({ validation, failure }: Trial): number {
  return failure === null ? Math.max(...validation) : Number.NEGATIVE_INFINITY;
}

/** The epochs, from 1, that gave the best validation; the first of equals. */
export function bestEpochs(trial: Trial): number {
  return trial.validation.indexOf(bestOf(trial)) + 1;
}

/** Best first; of equals the earlier trial. */
export function ranked(trials: readonly Trial[]): Trial[] {
  return trials.toSorted((a, b) => bestOf(b) - bestOf(a) || a.trial - b.trial);
}
