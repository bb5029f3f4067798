import { Stack, type StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { trainingOutputs } from "../constructs/outputs.ts";
import type { Settings } from "../constructs/settings.ts";
import { Training } from "../constructs/training.ts";
import type { DataStack } from "./data-stack.ts";
import { importedBucket } from "./imported-bucket.ts";

/** From an upload to a model. */
export class TrainingStack extends Stack {
  readonly training: Training;

  constructor(scope: Construct, id: string, settings: Settings, data: DataStack, props: StackProps) {
    super(scope, id, props);
    this.training = new Training(this, "Training", { settings, bucket: importedBucket(this, data) });
    trainingOutputs(this, this.training);
    const { network, trainingRequests } = this.training;
    const { queueArn, queueUrl } = trainingRequests.queue;
    // Said from the start, so that a Kafka that is added later leaves this stack as it is.
    const made = settings.network === "own" ? [network.vpcId, ...network.subnetIds] : [];
    for (const value of [queueArn, queueUrl, ...made]) this.exportValue(value);
  }
}
