/** Which models a run may name. */
import { baselineNames } from "../baselines/kinds.ts";
import { NcfError } from "../core/errors.ts";
import { presets } from "../ncf/config.ts";

/** Half a year: what an item gained two years ago counts a sixteenth. */
export const popularityHalfLifeMs = 26 * 7 * 86_400_000;

/** Presets, then baselines. */
export const modelNames: readonly string[] = [...Object.keys(presets), ...baselineNames];

/** @throws NcfError `USAGE` naming the first name that is unknown */
export function checkModelNames(names: readonly string[]): void {
  const unknown = names.find((name) => !modelNames.includes(name));
  if (unknown !== undefined)
    throw new NcfError("USAGE", `expected models among ${modelNames.join(", ")}, found "${unknown}"`);
}
