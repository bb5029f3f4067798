/** `ncf stream` as containers on Fargate: tests each interaction as it comes, and keeps windows of HR@10. */
import { Duration, RemovalPolicy, Stack, Validations } from "aws-cdk-lib";
import { Stats } from "aws-cdk-lib/aws-cloudwatch";
import type { ISecurityGroup } from "aws-cdk-lib/aws-ec2";
import { Repository } from "aws-cdk-lib/aws-ecr";
import {
  Cluster,
  ContainerImage,
  ContainerInsights,
  CpuArchitecture,
  Secret as EcsSecret,
  FargateService,
  FargateTaskDefinition,
  type ICluster,
  LogDrivers,
  OperatingSystemFamily,
} from "aws-cdk-lib/aws-ecs";
import type { Role } from "aws-cdk-lib/aws-iam";
import { FilterPattern, LogGroup, MetricFilter, type RetentionDays } from "aws-cdk-lib/aws-logs";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import type { ISecret } from "aws-cdk-lib/aws-secretsmanager";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import type { AlarmDefinition, Graph, Watched } from "./alarm-definition.ts";
import { metricsNamespace } from "./ncf-function.ts";
import { grantObjects } from "./object-access.ts";
import { type KafkaSettings, type Settings, streamGroup } from "./settings.ts";
import { acknowledgeWildcards } from "./wildcards.ts";
import type { WorkerNetwork } from "./worker-network.ts";

export interface StreamProcessorProps {
  readonly settings: Settings;
  readonly kafka: KafkaSettings;
  /** Undefined for brokers that ask for no password. */
  readonly secret: ISecret | undefined;
  readonly bucket: IBucket;
  readonly trainingRequests: Queue;
  readonly network: WorkerNetwork;
  readonly securityGroup: ISecurityGroup;
}

/** Half a processor and 2 GiB: the champion, a challenger, and the histories of some hundred thousand users. */
const size = { cpu: 512, memoryLimitMiB: 2048 };

export class StreamProcessor extends Construct implements Watched {
  readonly service: FargateService;
  readonly alarms: readonly AlarmDefinition[];
  readonly graphs: readonly Graph[];

  constructor(scope: Construct, id: string, props: StreamProcessorProps) {
    super(scope, id);
    const { settings, kafka, bucket, trainingRequests, network, securityGroup } = props;
    const { processors = 1 } = kafka;
    const { vpc, subnets } = network.asVpc(this);
    const cluster = new Cluster(this, "Cluster", { vpc, containerInsightsV2: ContainerInsights.DISABLED });
    Validations.of(cluster).acknowledge({
      id: "AwsSolutions-ECS4",
      reason: "Container Insights are billed by metric; the service's own CPU metric tells whether a processor runs.",
    });
    const logGroup = new LogGroup(this, "Log", {
      retention: settings.logDays as RetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const task = this.#task(props, logGroup);
    grantObjects(task.taskRole as Role, bucket, {
      read: ["models/"],
      write: ["models/", "snapshots/", "streams/", "reports/", "interactions/", "leases/"],
      remove: ["snapshots/", "leases/"],
    });
    trainingRequests.grantSendMessages(task.taskRole);
    this.service = new FargateService(this, "Service", {
      // The library's types disagree with themselves under TypeScript's exactOptionalPropertyTypes.
      cluster: cluster as ICluster,
      taskDefinition: task,
      desiredCount: processors,
      // A new member joins before an old one leaves.
      minHealthyPercent: 100,
      maxHealthyPercent: 200,
      circuitBreaker: { rollback: true },
      assignPublicIp: network.publicIp,
      vpcSubnets: { subnets: [...subnets] },
      securityGroups: [securityGroup],
    });
    this.alarms = this.#alarms(settings, logGroup);
    this.graphs = [
      {
        title: "Stream processors, CPU %",
        metrics: [this.service.metricCpuUtilization(), this.service.metricMemoryUtilization()],
      },
    ];
  }

  #task({ kafka, secret, bucket, trainingRequests }: StreamProcessorProps, logGroup: LogGroup): FargateTaskDefinition {
    const { topic = "interactions", architecture = "x86_64" } = kafka;
    const task = new FargateTaskDefinition(this, "Task", {
      ...size,
      runtimePlatform: {
        cpuArchitecture: architecture === "arm64" ? CpuArchitecture.ARM64 : CpuArchitecture.X86_64,
        operatingSystemFamily: OperatingSystemFamily.LINUX,
      },
    });
    task.addContainer("Stream", {
      image: containerImage(this, kafka.image),
      command: ["stream"],
      logging: LogDrivers.awsLogs({ logGroup, streamPrefix: "stream" }),
      // It commits, stores snapshots and leaves the group.
      stopTimeout: Duration.seconds(60),
      environment: {
        NCF_KAFKA_BROKERS: kafka.brokers,
        // What is not there is off.
        ...(kafka.tls === false ? {} : { NCF_KAFKA_TLS: "1" }),
        NCF_TOPIC: topic,
        NCF_STREAM_GROUP: streamGroup(kafka),
        NCF_REGISTRY: `s3://${bucket.bucketName}`,
        NCF_JOBS: trainingRequests.queueUrl,
        NCF_JSON: "1",
        NCF_HOST: "127.0.0.1",
        AWS_REGION: Stack.of(this).region,
      },
      ...(secret === undefined ? {} : { secrets: loginOf(secret) }),
      healthCheck: {
        command: [
          "CMD",
          "node",
          "-e",
          'fetch("http://127.0.0.1:9464/health").then(({ status }) => process.exit(status === 200 ? 0 : 1), () => process.exit(1))',
        ],
        interval: Duration.seconds(30),
        timeout: Duration.seconds(10),
        retries: 5,
        startPeriod: Duration.seconds(120),
      },
    });
    Validations.of(task).acknowledge({
      id: "AwsSolutions-ECS2",
      reason: "The environment names places; what is secret comes from Secrets Manager.",
    });
    acknowledgeWildcards(task, ["*"], "ecr:GetAuthorizationToken knows no resources.");
    return task;
  }

  #alarms(settings: Settings, logGroup: LogGroup): AlarmDefinition[] {
    const counted = (event: string) => {
      const filter = new MetricFilter(this, `Count-${event}`, {
        logGroup,
        filterPattern: FilterPattern.stringValue("$.event", "=", event),
        metricNamespace: metricsNamespace(settings),
        metricName: `stream-${event}`,
      });
      return filter.metric({ statistic: Stats.SUM, period: Duration.minutes(5) });
    };
    return [
      {
        id: "stream-stopped",
        metric: this.service.metricCpuUtilization({ statistic: Stats.SAMPLE_COUNT, period: Duration.minutes(5) }),
        threshold: 0,
        when: "atOrBelow",
        periods: 2,
        missingIsBad: true,
        meaning: "No stream processor has run for ten minutes. Interactions wait in Kafka, and windows do not close.",
      },
      {
        id: "stream-waits",
        metric: counted("waiting"),
        threshold: 3,
        periods: 3,
        meaning: "A stream processor has waited for Kafka or S3 for a quarter of an hour. Nothing is lost.",
      },
      {
        id: "stream-snapshot-failed",
        metric: counted("snapshotFailed"),
        threshold: 1,
        periods: 3,
        meaning: "The stream's state could not be stored for a quarter of an hour: a takeover would take longer.",
      },
      {
        id: "hr-at-10-drift",
        metric: counted("drift"),
        threshold: 1,
        meaning: "HR@10 of a window is significantly below its running level; a training has been asked for.",
      },
    ];
  }
}

/** As variables of the container, which its environment's description does not show. */
function loginOf(secret: ISecret): Record<string, EcsSecret> {
  const ofSecret = (field: string) => EcsSecret.fromSecretsManager(secret, field);
  return {
    NCF_KAFKA_SASL: ofSecret("mechanism"),
    NCF_KAFKA_SASL_USER: ofSecret("username"),
    NCF_KAFKA_SASL_PASSWORD: ofSecret("password"),
  };
}

/** An image of a private registry of AWS' takes the right to pull it; any other is public. */
function containerImage(scope: Construct, uri: string): ContainerImage {
  const [, account, region, name, version] =
    /^(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?\/([^:@]+)[:@](.+)$/.exec(uri) ?? [];
  if (account === undefined) return ContainerImage.fromRegistry(uri);
  const repositoryArn = `arn:${Stack.of(scope).partition}:ecr:${region}:${account}:repository/${name}`;
  const repository = Repository.fromRepositoryAttributes(scope, "Repository", { repositoryArn, repositoryName: name });
  return ContainerImage.fromEcrRepository(repository, version);
}
