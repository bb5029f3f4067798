/** A baseline as what a search tunes: it has no epochs, so every trial is fitted once. */
import type { BaselineKind, BaselineSettings, FitInput } from "../../baselines/baseline.ts";
import { byTrainingHistory } from "../../core/by-history.ts";
import type { Settings } from "./search-space.ts";
import type { Tunable } from "./tune.ts";
import type { ValidationSplit } from "./validation-score.ts";

export interface BaselineTunableRequest {
  readonly kind: BaselineKind;
  readonly attributes: FitInput["attributes"];
  readonly split: ValidationSplit;
  readonly monotonicMs: () => number;
  readonly signal?: AbortSignal | undefined;
}

export function baselineTunable({ kind, attributes, split, monotonicMs, signal }: BaselineTunableRequest): Tunable {
  return {
    name: kind.name,
    epochs: 1,
    base: { ...kind.defaults },
    check: (settings) => kind.check(settingsOf(settings)),
    withEpochs: (settings) => settings,
    async train(_trial, settings) {
      const startMs = monotonicMs();
      const model = await kind.fit({ sample: split.sample, attributes }, settingsOf(settings), { signal });
      const seconds = (monotonicMs() - startMs) / 1000;
      const { value, standardError } = split.score(byTrainingHistory(model, split.sample));
      const parameters = [...model.tensors.values()].reduce((sum, { data }) => sum + data.length, 0);
      return { validation: [value], standardError, seconds, parameters };
    },
    discard: async () => {},
  };
}

function settingsOf(settings: Settings): BaselineSettings {
  return settings as BaselineSettings;
}
