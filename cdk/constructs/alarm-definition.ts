/** What can go wrong with a capability, and what shows how it does: the constructs say it, `Observability` watches it. */
import type { IMetric } from "aws-cdk-lib/aws-cloudwatch";

export interface AlarmDefinition {
  /** Names the alarm, and its entry in docs/runbook.md. */
  readonly id: string;
  readonly metric: IMetric;
  /** Raised at this value and above, or at this value and below. */
  readonly threshold: number;
  readonly when?: "atOrAbove" | "atOrBelow";
  /** How many of the last periods must be so. Default: 1 of 1 */
  readonly periods?: number;
  /** Whether a period without data is bad, too. Default: false */
  readonly missingIsBad?: boolean;
  /** One sentence: what has happened, and whether anything is lost. */
  readonly meaning: string;
}

export interface Graph {
  readonly title: string;
  readonly metrics: readonly IMetric[];
}

/** A construct that can be watched. */
export interface Watched {
  readonly alarms: readonly AlarmDefinition[];
  readonly graphs: readonly Graph[];
}
