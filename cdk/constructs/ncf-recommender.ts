/**
 * The whole recommender as one construct, for a CDK app of one's own:
 *
 *     import { NcfRecommender } from "ncf-stream/cdk";
 *
 *     const recommender = new NcfRecommender(stack, "Recommender", { gpuInstanceTypes: [] });
 *     recommender.grantRecommend(webServerRole);
 *     recommender.grantUpload(importRole);
 */
import { Stack } from "aws-cdk-lib";
import { type IGrantable, PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import { Observability } from "./observability.ts";
import { RecommenderBucket } from "./recommender-bucket.ts";
import { ScoreApi } from "./score-api.ts";
import { type RecommenderSettings, withDefaults } from "./settings.ts";
import { Streaming } from "./streaming.ts";
import { Training } from "./training.ts";

/** All are optional; each documents its default. */
export type NcfRecommenderProps = RecommenderSettings;

export class NcfRecommender extends Construct {
  /** Uploads go to `uploads/`; models lie in `models/`. */
  readonly bucket: IBucket;
  readonly training: Training;
  readonly serving: ScoreApi;
  /** Undefined without `kafka`. */
  readonly streaming: Streaming | undefined;
  readonly observability: Observability;
  /** Where recommendations are asked for, without a slash at its end. */
  readonly url: string;

  /** @throws Error for settings that cannot be deployed, with what to do */
  constructor(scope: Construct, id: string, props: NcfRecommenderProps = {}) {
    super(scope, id);
    const settings = withDefaults(props, Stack.of(this).stackName);
    const { kafka } = settings;
    this.bucket = new RecommenderBucket(this, "Data", settings).bucket;
    const { bucket } = this;
    this.training = new Training(this, "Training", { settings, bucket });
    this.serving = new ScoreApi(this, "Serving", { settings, bucket });
    const { network, trainingRequests } = this.training;
    this.streaming =
      kafka === undefined
        ? undefined
        : new Streaming(this, "Streaming", {
            settings,
            kafka,
            bucket,
            trainingRequests: trainingRequests.queue,
            network,
            serving: this.serving,
          });
    const watched = [this.training, this.serving, ...(this.streaming === undefined ? [] : [this.streaming])];
    this.observability = new Observability(this, "Observability", { settings, watched });
    this.url = this.serving.url;
  }

  /** Lets a principal ask for recommendations, and post interactions where there is a Kafka. */
  grantRecommend(grantee: IGrantable): void {
    this.serving.grantInvoke(grantee);
  }

  /** Lets a principal upload ratings, and nothing else. */
  grantUpload(grantee: IGrantable): void {
    grantee.grantPrincipal.addToPrincipalPolicy(
      new PolicyStatement({
        actions: ["s3:PutObject", "s3:AbortMultipartUpload"],
        resources: [this.bucket.arnForObjects("uploads/*")],
      }),
    );
  }
}
