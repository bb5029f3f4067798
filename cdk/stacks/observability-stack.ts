import { Stack, type StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { Observability, type ObservabilityProps } from "../constructs/observability.ts";

/** Alarms and dashboard of the other stacks. */
export class ObservabilityStack extends Stack {
  readonly observability: Observability;

  constructor(scope: Construct, id: string, parts: ObservabilityProps, props: StackProps) {
    super(scope, id, props);
    this.observability = new Observability(this, "Observability", parts);
  }
}
