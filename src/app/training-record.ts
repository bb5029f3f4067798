/** `training.json` beside a model: what its training was like. Unlike the model file it depends on clock and threads. */

import { z } from "zod";
import { NcfError } from "../core/errors.ts";
import { decodeJson } from "../core/json.ts";

const recordSchema = z.object({
  preset: z.string(),
  modelSha256: z.string(),
  epochs: z.int(),
  steps: z.int(),
  samples: z.number(),
  seconds: z.number(),
  samplesPerSecond: z.number(),
  parameters: z.int(),
  backend: z.string(),
  arithmetic: z.string(),
  threads: z.int(),
  patience: z.int().nullable(),
  stepsPerEpoch: z.int(),
  curve: z.array(z.object({ step: z.int(), loss: z.number() })).readonly(),
  validation: z.array(z.number()).readonly(),
  /** The model that the training started from, and how many items and users it had rows for. */
  initFrom: z.object({ sha256: z.string(), items: z.int(), users: z.int() }).optional(),
});

export type TrainingRecord = Readonly<z.infer<typeof recordSchema>>;

/** @throws NcfError `FILE_FOREIGN` */
export function parseTrainingRecord(bytes: Uint8Array, what: string): TrainingRecord {
  try {
    return recordSchema.parse(decodeJson(bytes));
  } catch (cause) {
    throw new NcfError("FILE_FOREIGN", `${what}: expected a training record; remove it and train again`, { cause });
  }
}

/** The mean loss of each epoch, from the curve's points weighted by their steps. */
export function epochLosses(record: TrainingRecord): { epoch: number; loss: number }[] {
  const sums: { sum: number; steps: number }[] = [];
  let previous = 0;
  for (const { step, loss } of record.curve) {
    const epoch = Math.floor((step - 1) / record.stepsPerEpoch);
    sums[epoch] ??= { sum: 0, steps: 0 };
    sums[epoch].sum += loss * (step - previous);
    sums[epoch].steps += step - previous;
    previous = step;
  }
  return sums.map(({ sum, steps }, epoch) => ({ epoch: epoch + 1, loss: sum / steps }));
}
