/** How a sample is drawn from each upload, and what is trained on it. */
import { z } from "zod";
import { presets } from "../../ncf/config.ts";

const presetNames = Object.keys(presets) as [keyof typeof presets, ...(keyof typeof presets)[]];

export const trainingOptionsSchema = z.strictObject({
  /** Share of the users. */
  fraction: z.number().gt(0).max(1).default(1),
  sampler: z.enum(["hash", "numpy123"]).default("hash"),
  seed: z.int().min(0).default(1),
  tieRule: z.enum(["firstInFile", "lastInFile", "smallestItemId", "largestItemId", "random"]).default("firstInFile"),
  catalogue: z.enum(["sample", "listed"]).default("sample"),
  preset: z.enum(presetNames).default("neumf"),
  /** Instead of the preset's own. */
  epochs: z.int().min(1).max(10_000).optional(),
  ids: z.enum(["raw", "compact"]).optional(),
  /** Whether each trained model becomes the champion, or only the first one. */
  promote: z.enum(["always", "ifNoChampion"]).default("always"),
});

export type TrainingOptions = z.infer<typeof trainingOptionsSchema>;
