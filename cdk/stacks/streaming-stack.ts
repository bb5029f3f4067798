import { Stack, type StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { Streaming, type StreamingProps } from "../constructs/streaming.ts";
import type { DataStack } from "./data-stack.ts";
import { importedBucket } from "./imported-bucket.ts";

/** From interactions on Kafka to windows. There only where a Kafka is named. */
export class StreamingStack extends Stack {
  readonly streaming: Streaming;

  constructor(scope: Construct, id: string, parts: Omit<StreamingProps, "bucket">, data: DataStack, props: StackProps) {
    super(scope, id, props);
    this.streaming = new Streaming(this, "Streaming", { ...parts, bucket: importedBucket(this, data) });
  }
}
