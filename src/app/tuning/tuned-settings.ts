/** `tuned.json`: what a search found, as runs and trainings take it. */
import { z } from "zod";
import { NcfError } from "../../core/errors.ts";
import { decodeJson } from "../../core/json.ts";
import type { Settings } from "./search-space.ts";
import { metrics } from "./validation-score.ts";

const tunedSchema = z.object({
  formatVersion: z.literal(1),
  /** Whose settings these are: a preset or a baseline. */
  model: z.string(),
  settings: z.record(z.string(), z.json()),
  /** On the validation split, where the settings were chosen: better than what the test will say. */
  validation: z.object({
    metric: z.enum(metrics),
    value: z.number(),
    standardError: z.number(),
    candidateDraws: z.int(),
  }),
  search: z.object({ trials: z.int(), seed: z.int(), sample: z.string() }),
});

export interface TunedSettings extends Readonly<Omit<z.infer<typeof tunedSchema>, "settings">> {
  readonly settings: Settings;
}

/** @throws NcfError `SETTINGS_INVALID` naming the field */
export function parseTunedSettings(bytes: Uint8Array, what: string): TunedSettings {
  const invalid = (found: string, cause?: unknown): NcfError =>
    new NcfError(
      "SETTINGS_INVALID",
      `${what}: expected settings as \`ncf tune\` writes them (tuned.json), found ${found}. Name such a file`,
      { cause },
    );
  let document: unknown;
  try {
    document = decodeJson(bytes);
  } catch (cause) {
    throw invalid("no JSON", cause);
  }
  const parsed = tunedSchema.safeParse(document);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw invalid(`at ${issue.path.join(".") || "its top"}: ${issue.message}`, parsed.error);
}
