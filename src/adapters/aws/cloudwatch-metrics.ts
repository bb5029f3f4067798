/** Figures for CloudWatch, in one namespace and with the same dimensions on each. */
import { type CloudWatchClient, PutMetricDataCommand } from "@aws-sdk/client-cloudwatch";
import type { Metric, MetricSink } from "../../ports/metrics.ts";
import { awsFailure } from "./aws-failure.ts";

export interface CloudWatchMetricsOptions {
  readonly client: CloudWatchClient;
  /** Such as "ncf-stream/NcfStream". */
  readonly namespace: string;
  /** None by default, so that an alarm on a name sees all of a namespace. */
  readonly dimensions?: Readonly<Record<string, string>>;
}

export class CloudWatchMetrics implements MetricSink {
  readonly #client: CloudWatchClient;
  readonly #namespace: string;
  readonly #dimensions: { readonly Name: string; readonly Value: string }[];

  constructor({ client, namespace, dimensions = {} }: CloudWatchMetricsOptions) {
    this.#client = client;
    this.#namespace = namespace;
    this.#dimensions = Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value }));
  }

  async put(metrics: readonly Metric[]): Promise<void> {
    if (metrics.length === 0) return;
    try {
      await this.#client.send(
        new PutMetricDataCommand({
          Namespace: this.#namespace,
          MetricData: metrics.map(({ name, value, unit }) => ({
            MetricName: name,
            Value: value,
            Unit: unit,
            Dimensions: this.#dimensions,
          })),
        }),
      );
    } catch (cause) {
      throw awsFailure(cause, {
        port: "METRICS",
        tried: `CloudWatch PutMetricData to ${this.#namespace}`,
        permission: "cloudwatch:PutMetricData",
      });
    }
  }
}
