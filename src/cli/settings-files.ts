/** Files of settings, as `ncf tune` writes them or people do, and the models that they are for. */
import { readFileSync } from "node:fs";
import { type ModelPlan, planNamed } from "../app/fit-model.ts";
import { type ModelSettings, parseModelSettings } from "../app/tuning/model-settings.ts";
import { settledPlan } from "../app/tuning/settled-plan.ts";
import { NcfError } from "../core/errors.ts";
import type { NcfConfig } from "../ncf/config.ts";

export class SettingsFiles {
  readonly #byModel = new Map<string, { readonly file: string; readonly found: ModelSettings }>();

  /** @throws NcfError `SETTINGS_INVALID`, `USAGE` where two are for the same model */
  constructor(files: readonly string[]) {
    for (const file of files) {
      const found = parseModelSettings(contentOf(file), file);
      const other = this.#byModel.get(found.model);
      if (other !== undefined) {
        const both = `${other.file} and ${file}`;
        throw new NcfError(
          "USAGE",
          `--settings: expected one file for each model, found two for ${found.model}: ${both}`,
        );
      }
      this.#byModel.set(found.model, { file, found });
    }
  }

  /** The models that the files are for. */
  get models(): string[] {
    return [...this.#byModel.keys()];
  }

  /**
   * The model's plan: with the settings of its file, where it has one.
   *
   * @param changes settings that replace those of a network, whatever a file says
   * @throws NcfError `PRESET_UNKNOWN`, `SETTINGS_INVALID`
   */
  plan(model: string, changes: Partial<NcfConfig>): ModelPlan {
    const own = this.#byModel.get(model);
    return own === undefined ? planNamed(model, changes) : settledPlan(own.found, changes, own.file);
  }
}

function contentOf(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new NcfError("SETTINGS_INVALID", `--settings: expected a file, found ${reason}`, { cause });
  }
}
