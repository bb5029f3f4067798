/**
 * `tuned.json`: what a search found, as runs and trainings take it. One may be written by hand, too: `model` and those
 * `settings` that differ from the model's own are enough.
 */
import { z } from "zod";
import { NcfError } from "../../core/errors.ts";
import { decodeJson } from "../../core/json.ts";
import type { Settings } from "./search-space.ts";
import { metrics } from "./validation-score.ts";

const settingsSchema = z.object({
  formatVersion: z.literal(1),
  /** Whose settings these are: a preset or a baseline. */
  model: z.string(),
  settings: z.record(z.string(), z.json()),
  /** On the validation split, where the settings were chosen: better than what the test will say. */
  validation: z
    .object({
      metric: z.enum(metrics),
      value: z.number(),
      standardError: z.number(),
      candidateDraws: z.int(),
    })
    .optional(),
  search: z.object({ trials: z.int(), seed: z.int(), sample: z.string() }).optional(),
});

export interface ModelSettings extends Readonly<Omit<z.infer<typeof settingsSchema>, "settings">> {
  readonly settings: Settings;
}

/** @throws NcfError `SETTINGS_INVALID` naming the field */
export function parseModelSettings(bytes: Uint8Array, what: string): ModelSettings {
  const invalid = (found: string, cause?: unknown): NcfError =>
    new NcfError(
      "SETTINGS_INVALID",
      `${what}: expected { "model": ..., "settings": { ... } }, such as ncf tune writes, found ${found}`,
      { cause },
    );
  let document: unknown;
  try {
    document = decodeJson(bytes);
  } catch (cause) {
    throw invalid("no JSON", cause);
  }
  const parsed = settingsSchema.safeParse(document);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw invalid(`at ${issue.path.join(".") || "its top"}: ${issue.message}`, parsed.error);
}
