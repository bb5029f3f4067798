/** A search for a terminal. */
import { type SearchSpace, settingAt } from "./search-space.ts";
import { bestEpochs, bestOf, type Trial } from "./trial.ts";
import type { Metric } from "./validation-score.ts";

const metricNames: Readonly<Record<Metric, string>> = { hrAt10: "HR@10", ndcgAt10: "NDCG@10" };

export interface TrialsTableOptions {
  readonly metric: Metric;
  readonly space: SearchSpace;
  /** How many of the trials to show. */
  readonly rows: number;
}

/** The first trials of a list, with those of their settings that the search changes. */
export function trialsTable(trials: readonly Trial[], { metric, space, rows }: TrialsTableOptions): string {
  const paths = Object.keys(space).sort();
  const head = ["trial", `validation ${metricNames[metric]}`, "epochs", "seconds", ...paths];
  const body = trials.slice(0, rows).map((trial) => {
    const settings = paths.map((path) => JSON.stringify(settingAt(trial.settings, path)));
    if (trial.failure !== null) return [String(trial.trial), "failed", "", "", ...settings];
    const value = `${bestOf(trial).toFixed(4)} ± ${trial.standardError.toFixed(4)}`;
    const epochs = `${bestEpochs(trial)} of ${trial.validation.length}`;
    return [String(trial.trial), value, epochs, trial.seconds.toFixed(1), ...settings];
  });
  const widths = head.map((name, column) => Math.max(name.length, ...body.map((row) => row[column].length)));
  const line = (row: readonly string[]): string => row.map((cell, column) => cell.padEnd(widths[column])).join("  ");
  const left = trials.length - body.length;
  return [
    ...[head, ...body].map((row) => line(row).trimEnd()),
    ...(left > 0 ? [`... and ${left} more`] : []),
    ...body.flatMap((_, n) => {
      const { trial, failure } = trials[n];
      return failure === null ? [] : [`Trial ${trial} failed: ${failure}`];
    }),
  ].join("\n");
}
