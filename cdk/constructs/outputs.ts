/** What a deployment prints: the names of its places, and lines to paste into a terminal. */
import { CfnOutput } from "aws-cdk-lib";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import type { Construct } from "constructs";
import type { ScoreApi } from "./score-api.ts";
import type { Training } from "./training.ts";

function output(scope: Construct, id: string, description: string, value: string): void {
  new CfnOutput(scope, id, { description, value }).overrideLogicalId(id);
}

export function dataOutputs(scope: Construct, bucket: IBucket): void {
  output(scope, "BucketName", "The bucket of everything", bucket.bucketName);
  output(scope, "UploadCommand", "Starts a training", `aws s3 cp ratings.zip s3://${bucket.bucketName}/uploads/`);
}

export function trainingOutputs(scope: Construct, { trainingRequests, trainingJobs, worker, network }: Training): void {
  output(scope, "TrainingRequestsUrl", "Queue of training requests", trainingRequests.queue.queueUrl);
  output(scope, "TrainingJobsUrl", "Queue that workers take jobs from", trainingJobs.queue.queueUrl);
  output(scope, "LaunchTemplateId", "How workers are launched", worker.template.ref);
  output(scope, "WorkerSecurityGroup", "Lets nothing in, and HTTPS out", network.securityGroupId);
}

export function servingOutputs(scope: Construct, serving: ScoreApi): void {
  output(scope, "ApiUrl", "Where recommendations are asked for", serving.url);
  output(scope, "ApiSigning", "What requests are signed for; none where they are not", serving.signedFor ?? "none");
  output(scope, "CurlCommand", "Asks for recommendations", serving.curlLine("/users/1/recommendations?k=5"));
}
