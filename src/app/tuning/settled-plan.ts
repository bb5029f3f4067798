/** What is to be fitted with settings from a file. */
import { baselineKindNamed } from "../../baselines/kinds.ts";
import { NcfError } from "../../core/errors.ts";
import { checkConfig, type NcfConfig, presetNamed } from "../../ncf/config.ts";
import type { ModelPlan } from "../fit-model.ts";
import type { ModelSettings } from "./model-settings.ts";
import { asSettings } from "./ncf-tunable.ts";
import { isGroup, kindOf, pathsOf, type Settings } from "./search-space.ts";

/** Parts of a configuration that presets may leave out. */
const optionalParts = ["history", "negativePower", "averagedEpochs"];

/**
 * The model's own settings, with those of the file in their place, and then the changes.
 *
 * @param changes settings that replace those of a network
 * @param what names the file in errors
 * @throws NcfError `PRESET_UNKNOWN`, `SETTINGS_INVALID` naming the setting
 */
export function settledPlan({ model, settings }: ModelSettings, changes: Partial<NcfConfig>, what: string): ModelPlan {
  const kind = baselineKindNamed(model);
  if (kind !== null) {
    // A baseline's settings have no groups, and the kind knows which there are: a hybrid has those of its parts, too.
    const merged = { ...kind.defaults, ...settings } as typeof kind.defaults;
    checkedAs(what, () => kind.check(merged));
    return { name: model, kind, settings: merged };
  }
  const merged = mergedSettings(asSettings(presetNamed(model)), settings, what, optionalParts);
  const config = { ...(merged as unknown as NcfConfig), ...changes };
  checkedAs(what, () => checkConfig(config));
  return { name: model, config };
}

/** Says in which file the setting stands. */
function checkedAs(what: string, check: () => void): void {
  try {
    check();
  } catch (cause) {
    if (!(cause instanceof NcfError)) throw cause;
    throw new NcfError("SETTINGS_INVALID", `${what}: ${cause.message}`, { cause });
  }
}

function mergedSettings(base: Settings, changes: Settings, what: string, optional: readonly string[] = []): Settings {
  const merged: Record<string, Settings[string]> = { ...base };
  for (const [name, value] of Object.entries(changes)) {
    const own = base[name] ?? null;
    if (!Object.hasOwn(base, name) && !optional.includes(name)) {
      const known = [...pathsOf(base), ...optional].join(", ");
      throw new NcfError("SETTINGS_INVALID", `${what}: expected settings among ${known}, found ${name}`);
    }
    // What a model does without is null.
    if (own !== null && value !== null && kindOf(own) !== kindOf(value)) {
      const expected = JSON.stringify(own);
      throw new NcfError(
        "SETTINGS_INVALID",
        `${what}: ${name}: expected such as ${expected}, found ${JSON.stringify(value)}`,
      );
    }
    merged[name] = isGroup(own) && isGroup(value) ? mergedSettings(own, value, `${what}: ${name}`) : value;
  }
  return merged;
}
