/** How near two implementations' scores of the same candidates are. */
import { readFileSync } from "node:fs";
import { standingOf } from "../src/core/evaluation.ts";
import { expectedHit } from "../src/core/ranking-metrics.ts";

/** What must agree: all scores to 1e-4 of the greatest, or HR@10 within one standard error. */
export type Agreement = "scores" | "hits";

/**
 * One line, which ends in "agree" or "DIFFER".
 *
 * @param ours the candidates' scores of each case, the test item first
 * @param path float64 of shape [cases, most candidates], NaN where there is no candidate
 */
export function agreement(what: Agreement, ours: readonly Float64Array[], path: string): string {
  const bytes = readFileSync(path);
  const all = new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8);
  const width = all.length / ours.length;
  const theirs = ours.map(({ length }, i) => all.subarray(i * width, i * width + length));
  const verdict = (holds: boolean): string => (holds ? "agree" : "DIFFER");
  const [own, other] = [ours, theirs].map(hits);
  const rates = `HR@10 ${mean(own).toFixed(4)} and ${mean(other).toFixed(4)}`;
  if (what === "hits") {
    const error = Math.sqrt((mean(own) * (1 - mean(own))) / own.length);
    return `${rates}, standard error ${error.toFixed(4)}: ${verdict(Math.abs(mean(own) - mean(other)) <= error)}`;
  }
  let [greatest, difference] = [0, 0];
  ours.forEach((scores, i) => {
    scores.forEach((score, j) => {
      greatest = Math.max(greatest, Math.abs(score));
      difference = Math.max(difference, Math.abs(score - theirs[i][j]));
    });
  });
  const share = difference / greatest;
  return `${rates}, scores up to ${greatest.toPrecision(3)} differ by ${share.toExponential(1)} of it: ${verdict(share <= 1e-4)}`;
}

function hits(cases: readonly Float64Array[]): number[] {
  return cases.map((scores) => expectedHit(standingOf("either", scores)));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
