import { Stack, type StackProps } from "aws-cdk-lib";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import type { Construct } from "constructs";
import { dataOutputs } from "../constructs/outputs.ts";
import { RecommenderBucket } from "../constructs/recommender-bucket.ts";
import type { Settings } from "../constructs/settings.ts";

/** What outlives all else. */
export class DataStack extends Stack {
  readonly bucket: IBucket;

  constructor(scope: Construct, id: string, settings: Settings, props: StackProps) {
    super(scope, id, props);
    this.bucket = new RecommenderBucket(this, "Data", settings).bucket;
    dataOutputs(this, this.bucket);
  }
}
