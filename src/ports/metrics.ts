/** Figures about a process that others watch, such as an alarm's. */

export interface Metric {
  /** In the manner of CloudWatch, such as "JobsFailed". */
  readonly name: string;
  readonly value: number;
  readonly unit: "Count" | "Seconds" | "Percent" | "Count/Second";
}

export interface MetricSink {
  /**
   * Hands figures on.
   *
   * @throws NcfError `METRICS_UNAVAILABLE`, `METRICS_DENIED`, `METRICS_REFUSED`: callers go on without them
   */
  put(metrics: readonly Metric[]): Promise<void>;
}

/** For processes that nobody watches. */
export const noMetrics: MetricSink = { put: async () => {} };
