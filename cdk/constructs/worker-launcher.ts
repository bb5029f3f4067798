/**
 * Launches workers for training requests. Two queues, as one message cannot serve two consumers: `launch-worker` takes
 * requests, notes each and forwards it to the jobs that workers take. Every five minutes it looks for jobs without a worker.
 */
import { Duration, Stack } from "aws-cdk-lib";
import { Rule, Schedule } from "aws-cdk-lib/aws-events";
import { LambdaFunction as LambdaTarget } from "aws-cdk-lib/aws-events-targets";
import { PolicyStatement, type Role } from "aws-cdk-lib/aws-iam";
import { SqsEventSource } from "aws-cdk-lib/aws-lambda-event-sources";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import type { GuardedQueue } from "./guarded-queue.ts";
import { NcfFunction } from "./ncf-function.ts";
import { grantObjects } from "./object-access.ts";
import type { Settings } from "./settings.ts";
import { acknowledgeWildcards } from "./wildcards.ts";
import type { WorkerNetwork } from "./worker-network.ts";
import type { WorkerTemplate } from "./worker-template.ts";

export interface WorkerLauncherProps {
  readonly settings: Settings;
  readonly bucket: IBucket;
  readonly network: WorkerNetwork;
  readonly worker: WorkerTemplate;
  readonly trainingRequests: GuardedQueue;
  readonly trainingJobs: GuardedQueue;
}

export const launchTimeout = Duration.seconds(60);
const requestsAtOnce = 10;

export class WorkerLauncher extends Construct {
  readonly launcher: NcfFunction;

  constructor(scope: Construct, id: string, props: WorkerLauncherProps) {
    super(scope, id);
    const { settings, bucket, network, worker, trainingRequests, trainingJobs } = props;
    this.launcher = new NcfFunction(this, "LaunchWorker", {
      settings,
      lambda: "launch-worker",
      description: "Forwards training requests to workers, and launches workers",
      memoryMiB: 512,
      timeout: launchTimeout,
      // The schedule comes again in five minutes anyway.
      retryAttempts: 0,
      environment: {
        NCF_BUCKET: bucket.bucketName,
        NCF_STACK: settings.name,
        NCF_TRAINING_JOBS_URL: trainingJobs.queue.queueUrl,
        NCF_LAUNCH_TEMPLATE_ID: worker.template.ref,
        NCF_GPU_INSTANCE_TYPES: settings.gpuInstanceTypes.join(","),
        NCF_CPU_INSTANCE_TYPES: settings.cpuInstanceTypes.join(","),
        NCF_SUBNET_IDS: network.subnetIds.join(","),
        NCF_MAX_WORKERS: String(settings.maxWorkers),
      },
    });
    const { role } = this.launcher;
    grantObjects(role, bucket, { write: ["runs/", "launcher/"], remove: ["launcher/"] });
    // Among it the right to count them.
    trainingJobs.queue.grantSendMessages(role);
    grantLaunch(role, worker, settings);
    this.launcher.function.addEventSource(
      new SqsEventSource(trainingRequests.queue, {
        batchSize: requestsAtOnce,
        maxConcurrency: 2,
        reportBatchItemFailures: true,
      }),
    );
    new Rule(this, "Reconcile", {
      description: "Looks for training jobs without a worker",
      schedule: Schedule.rate(Duration.minutes(5)),
      targets: [new LambdaTarget(this.launcher.function, { retryAttempts: 0 })],
    });
  }
}

/** To launch from this template alone, and to hand over the worker's role alone. */
function grantLaunch(role: Role, worker: WorkerTemplate, { name }: Settings): void {
  const { partition, region, account } = Stack.of(worker);
  const ec2 = (resource: string, owner = account) => `arn:${partition}:ec2:${region}:${owner}:${resource}`;
  const template = ec2(`launch-template/${worker.template.ref}`);
  const fromTemplate = { ArnEquals: { "ec2:LaunchTemplate": template } };
  const instances = ec2("instance/*");
  const ofInstances = ["network-interface/*", "volume/*", "spot-instances-request/*"].map((resource) => ec2(resource));
  const used = ["security-group/*", "subnet/*"].map((resource) => ec2(resource));
  const images = [ec2("image/*", ""), ec2("snapshot/*", "")];
  const allow = (statement: ConstructorParameters<typeof PolicyStatement>[0]) =>
    role.addToPrincipalPolicy(new PolicyStatement(statement));
  allow({
    actions: ["ec2:RunInstances"],
    resources: [instances],
    conditions: { ...fromTemplate, StringEquals: { "aws:RequestTag/ncf:stack": name } },
  });
  allow({ actions: ["ec2:RunInstances"], resources: [...ofInstances, ...used, ...images], conditions: fromTemplate });
  allow({ actions: ["ec2:RunInstances"], resources: [template] });
  allow({
    actions: ["ec2:CreateTags"],
    resources: [instances, ...ofInstances],
    conditions: { StringEquals: { "ec2:CreateAction": "RunInstances" } },
  });
  allow({ actions: ["ec2:DescribeInstances"], resources: ["*"] });
  allow({
    actions: ["iam:PassRole"],
    resources: [worker.role.roleArn],
    conditions: { StringEquals: { "iam:PassedToService": "ec2.amazonaws.com" } },
  });
  allow({ actions: ["ssm:GetParameters"], resources: [worker.imageParameterArn] });
  allow({
    // An account's first spot instance.
    actions: ["iam:CreateServiceLinkedRole"],
    resources: [`arn:${partition}:iam::${account}:role/aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot`],
    conditions: { StringEquals: { "iam:AWSServiceName": "spot.amazonaws.com" } },
  });
  acknowledgeWildcards(
    role,
    [instances, ...ofInstances, ...used, ...images],
    "What is launched has no name before; conditions limit it to this launch template and this deployment's tag.",
  );
  acknowledgeWildcards(role, ["*"], "To describe instances knows no resources.");
}
