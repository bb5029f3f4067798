/** What final windows say of each challenger, and what came of it. */
import { z } from "zod";
import { emptyPairedSums, mergePairedSums, type PairedSums, pairedSumsSchema } from "./paired-sums.ts";
import { type PromotionSettings, type Verdict, verdictOn, verdictSchema } from "./promotion-rule.ts";

export const trialsSchema = z.record(
  z.string(),
  z.union([z.object({ verdict: verdictSchema }), z.object({ sums: pairedSumsSchema })]),
);

export type TrialsState = z.infer<typeof trialsSchema>;

export interface Trial {
  readonly version: string;
  readonly cases: number;
  readonly users: number;
  /** Null while there are too few of both. */
  readonly verdict: Verdict | null;
}

/** By version. A verdict stays: the rule looks once, so what comes later changes nothing. */
export class Trials {
  readonly #settings: PromotionSettings;
  readonly #trials: TrialsState;

  constructor(settings: PromotionSettings, state: TrialsState = {}) {
    this.#settings = settings;
    this.#trials = structuredClone(state);
  }

  /** Takes the paired sums of a window in that overlaps with none before. @throws NcfError `SUM_OVERFLOW` */
  add(challengers: Readonly<Record<string, PairedSums>>): void {
    for (const [version, sums] of Object.entries(challengers)) {
      const trial = this.#trials[version] ?? { sums: emptyPairedSums() };
      if ("verdict" in trial) continue;
      mergePairedSums(trial.sums, sums);
      const verdict = verdictOn(trial.sums, this.#settings);
      this.#trials[version] = verdict === null ? trial : { verdict };
    }
  }

  /** In the order in which they began. */
  list(): Trial[] {
    return Object.entries(this.#trials).map(([version, trial]) =>
      "verdict" in trial
        ? { version, cases: trial.verdict.cases, users: trial.verdict.users, verdict: trial.verdict }
        : { version, cases: trial.sums.cases, users: trial.sums.newUsers, verdict: null },
    );
  }

  save(): TrialsState {
    return structuredClone(this.#trials);
  }
}
