/** What a Kafka adds: `POST /interactions`, and the stream processors. */
import { SecurityGroup } from "aws-cdk-lib/aws-ec2";
import { Key } from "aws-cdk-lib/aws-kms";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import { type ISecret, Secret } from "aws-cdk-lib/aws-secretsmanager";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import type { AlarmDefinition, Graph, Watched } from "./alarm-definition.ts";
import { InteractionsApi } from "./interactions-api.ts";
import type { ScoreApi } from "./score-api.ts";
import type { KafkaSettings, Settings } from "./settings.ts";
import { StreamProcessor } from "./stream-processor.ts";
import type { WorkerNetwork } from "./worker-network.ts";

export interface StreamingProps {
  readonly settings: Settings;
  readonly kafka: KafkaSettings;
  readonly bucket: IBucket;
  readonly trainingRequests: Queue;
  readonly network: WorkerNetwork;
  readonly serving: ScoreApi;
}

export class Streaming extends Construct implements Watched {
  readonly interactions: InteractionsApi;
  readonly processor: StreamProcessor;
  readonly alarms: readonly AlarmDefinition[];
  readonly graphs: readonly Graph[];

  /** @throws Error without an HTTP API, to which `POST /interactions` belongs */
  constructor(scope: Construct, id: string, props: StreamingProps) {
    super(scope, id);
    const { settings, kafka, bucket, trainingRequests, network, serving } = props;
    const { api, authorizer } = serving;
    if (api === undefined) throw new Error("kafka: expected the HTTP API, found none. Turn httpApi on");
    const secret = this.#secret(kafka);
    const securityGroup = new SecurityGroup(this, "BrokerClients", {
      vpc: network.asVpc(this).vpc,
      description: "Clients of Kafka: nothing in, all out, as brokers name their own ports",
    });
    const shared = { settings, kafka, secret, network, securityGroup };
    this.interactions = new InteractionsApi(this, "Interactions", { ...shared, api, authorizer });
    this.processor = new StreamProcessor(this, "Processor", { ...shared, bucket, trainingRequests });
    this.alarms = [...this.interactions.alarms, ...this.processor.alarms];
    this.graphs = [...this.interactions.graphs, ...this.processor.graphs];
  }

  #secret({ secretArn, secretKeyArn }: KafkaSettings): ISecret | undefined {
    if (secretArn === undefined) return undefined;
    const key = secretKeyArn === undefined ? {} : { encryptionKey: Key.fromKeyArn(this, "SecretKey", secretKeyArn) };
    // Secrets Manager adds six characters to a secret's name; an ARN without them stands for whichever they are.
    const arn = /-[A-Za-z0-9]{6}$/.test(secretArn) ? { secretCompleteArn: secretArn } : { secretPartialArn: secretArn };
    return Secret.fromSecretAttributes(this, "Secret", { ...arn, ...key });
  }
}
