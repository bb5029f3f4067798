import { Stack, type StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { servingOutputs } from "../constructs/outputs.ts";
import { ScoreApi } from "../constructs/score-api.ts";
import type { Settings } from "../constructs/settings.ts";
import type { DataStack } from "./data-stack.ts";
import { importedBucket } from "./imported-bucket.ts";

/** From a model to recommendations. */
export class ServingStack extends Stack {
  readonly serving: ScoreApi;

  constructor(scope: Construct, id: string, settings: Settings, data: DataStack, props: StackProps) {
    super(scope, id, props);
    this.serving = new ScoreApi(this, "Serving", { settings, bucket: importedBucket(this, data) });
    servingOutputs(this, this.serving);
  }
}
