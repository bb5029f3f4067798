/** Which models a run may name. */
import { NcfError } from "../core/errors.ts";
import { presets } from "../ncf/config.ts";
import { popularityName } from "./report/verdicts.ts";

/** @throws NcfError `USAGE` naming the first name that is unknown */
export function checkModelNames(names: readonly string[]): void {
  const known = [...Object.keys(presets), popularityName];
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new NcfError("USAGE", `expected models among ${known.join(", ")}, found "${unknown}"`);
}
