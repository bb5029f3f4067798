/** How workers are launched: image, rights, disk, and what a new instance does. The launcher chooses type, zone and market. */
import { Fn, Stack } from "aws-cdk-lib";
import { CfnLaunchTemplate } from "aws-cdk-lib/aws-ec2";
import { CfnInstanceProfile, PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import { Asset } from "aws-cdk-lib/aws-s3-assets";
import { Construct } from "constructs";
import { Assets } from "./assets.ts";
import type { GuardedQueue } from "./guarded-queue.ts";
import { metricsNamespace } from "./ncf-function.ts";
import { grantObjects } from "./object-access.ts";
import type { Settings } from "./settings.ts";
import { acknowledgeWildcards } from "./wildcards.ts";
import type { WorkerNetwork } from "./worker-network.ts";
import { workerStartScript } from "./worker-start.ts";

/** The newest image of each kind, as AWS names it when an instance is launched. Both are Amazon Linux 2023. */
const imageParameters = {
  gpu: "/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-amazon-linux-2023/latest/ami-id",
  cpu: "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
} as const;

/** The Deep Learning image alone takes 75. */
const diskGiB = { gpu: 100, cpu: 30 } as const;

export interface WorkerTemplateProps {
  readonly settings: Settings;
  readonly bucket: IBucket;
  readonly network: WorkerNetwork;
  readonly trainingJobs: GuardedQueue;
}

export class WorkerTemplate extends Construct {
  readonly template: CfnLaunchTemplate;
  readonly role: Role;
  /** ARN of the parameter that names the image: whoever launches must be allowed to read it. */
  readonly imageParameterArn: string;

  constructor(scope: Construct, id: string, { settings, bucket, network, trainingJobs }: WorkerTemplateProps) {
    super(scope, id);
    const { partition, region } = Stack.of(this);
    const kind = settings.gpuInstanceTypes.length > 0 ? "gpu" : "cpu";
    this.imageParameterArn = `arn:${partition}:ssm:${region}::parameter${imageParameters[kind]}`;

    const bundle = new Asset(this, "Bundle", { path: new Assets(settings.assetsFolder).worker() });
    this.role = new Role(this, "Role", { assumedBy: new ServicePrincipal("ec2.amazonaws.com") });
    this.#grant(bucket, trainingJobs, bundle, metricsNamespace(settings));
    const profile = new CfnInstanceProfile(this, "Profile", { roles: [this.role.roleName] });

    const script = workerStartScript({
      bucket: bucket.bucketName,
      bundle: bundle.s3ObjectUrl,
      maxAgeSeconds: settings.workerMaxAgeSeconds,
      environment: {
        NCF_BUCKET: bucket.bucketName,
        NCF_TRAINING_JOBS_URL: trainingJobs.queue.queueUrl,
        NCF_WORKER_IDLE_SECONDS: String(settings.workerIdleSeconds),
        NCF_WORKER_MAX_AGE_SECONDS: String(settings.workerMaxAgeSeconds),
        NCF_CHECKPOINT_MINUTES: String(settings.checkpointMinutes),
        NCF_BACKEND: settings.backend,
        NCF_METRICS_NAMESPACE: metricsNamespace(settings),
        AWS_REGION: region,
      },
    });
    const tags = [
      { key: "Name", value: `${settings.name}-worker` },
      { key: "ncf:stack", value: settings.name },
    ];
    this.template = new CfnLaunchTemplate(this, "Template", {
      launchTemplateData: {
        imageId: `resolve:ssm:${imageParameters[kind]}`,
        iamInstanceProfile: { arn: profile.attrArn },
        securityGroupIds: [network.securityGroupId],
        instanceInitiatedShutdownBehavior: "terminate",
        // One hop: a container on the instance cannot ask for the role.
        metadataOptions: { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1 },
        blockDeviceMappings: [
          {
            deviceName: "/dev/xvda",
            ebs: { volumeType: "gp3", volumeSize: diskGiB[kind], encrypted: true, deleteOnTermination: true },
          },
        ],
        tagSpecifications: ["instance", "volume"].map((resourceType) => ({ resourceType, tags })),
        userData: Fn.base64(script),
      },
    });
  }

  #grant(bucket: IBucket, trainingJobs: GuardedQueue, bundle: Asset, namespace: string): void {
    grantObjects(this.role, bucket, {
      read: ["samples/", "datasets/", "interactions/"],
      write: ["runs/", "leases/", "models/", "snapshots/initial/", "workers/"],
      remove: ["runs/", "leases/"],
    });
    trainingJobs.queue.grantConsumeMessages(this.role);
    // A worker that has to end sends its job anew, so that this does not count as one of the job's tries.
    trainingJobs.queue.grantSendMessages(this.role);
    this.role.addToPolicy(
      new PolicyStatement({
        actions: ["s3:GetObject"],
        resources: [`arn:${Stack.of(this).partition}:s3:::${bundle.s3BucketName}/${bundle.s3ObjectKey}`],
      }),
    );
    this.role.addToPolicy(
      new PolicyStatement({
        actions: ["cloudwatch:PutMetricData"],
        resources: ["*"],
        conditions: { StringEquals: { "cloudwatch:namespace": namespace } },
      }),
    );
    acknowledgeWildcards(
      this.role,
      ["*"],
      "PutMetricData knows no resources; the condition limits it to one namespace.",
    );
  }
}
