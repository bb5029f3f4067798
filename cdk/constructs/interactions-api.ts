/** `POST /interactions`: the Lambda that writes what users do to Kafka. */
import { Duration } from "aws-cdk-lib";
import {
  type HttpApi,
  HttpMethod,
  HttpRoute,
  HttpRouteKey,
  type IHttpRouteAuthorizer,
} from "aws-cdk-lib/aws-apigatewayv2";
import { HttpLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import type { ISecurityGroup } from "aws-cdk-lib/aws-ec2";
import type { ISecret } from "aws-cdk-lib/aws-secretsmanager";
import { Construct } from "constructs";
import type { AlarmDefinition, Graph, Watched } from "./alarm-definition.ts";
import { NcfFunction } from "./ncf-function.ts";
import type { KafkaSettings, Settings } from "./settings.ts";
import type { WorkerNetwork } from "./worker-network.ts";

export interface InteractionsApiProps {
  readonly settings: Settings;
  readonly kafka: KafkaSettings;
  /** Undefined for brokers that ask for no password. */
  readonly secret: ISecret | undefined;
  readonly api: HttpApi;
  readonly authorizer: IHttpRouteAuthorizer;
  readonly network: WorkerNetwork;
  readonly securityGroup: ISecurityGroup;
}

export class InteractionsApi extends Construct implements Watched {
  readonly interactions: NcfFunction;
  readonly alarms: readonly AlarmDefinition[];
  readonly graphs: readonly Graph[];

  constructor(scope: Construct, id: string, props: InteractionsApiProps) {
    super(scope, id);
    const { settings, kafka, secret, api, authorizer } = props;
    this.interactions = new NcfFunction(this, "Interactions", {
      settings,
      lambda: "interactions",
      description: "Writes interactions to Kafka, or says which it could not write",
      memoryMiB: 512,
      timeout: Duration.seconds(28),
      ...this.#placement(props),
      environment: {
        NCF_KAFKA_BROKERS: kafka.brokers,
        NCF_KAFKA_TLS: kafka.tls === false ? "0" : "1",
        ...(secret === undefined ? {} : { NCF_KAFKA_SECRET_ARN: secret.secretArn }),
        NCF_TOPIC_INTERACTIONS: kafka.topic ?? "interactions",
      },
    });
    secret?.grantRead(this.interactions.role);
    new HttpRoute(this, "Route", {
      httpApi: api,
      routeKey: HttpRouteKey.with("/interactions", HttpMethod.POST),
      integration: new HttpLambdaIntegration("InteractionsIntegration", this.interactions.function),
      authorizer,
    });
    const { function: fn } = this.interactions;
    this.alarms = [
      {
        id: "interactions-errors",
        metric: fn.metricErrors({ period: Duration.minutes(5) }),
        threshold: 5,
        meaning: "Five posts of interactions crashed in five minutes; their senders had an error.",
      },
      {
        id: "interactions-refused",
        metric: this.interactions.counted("RequestUnanswered"),
        threshold: 5,
        meaning:
          "Kafka took no interactions five times in five minutes; their senders were told which, and send them again.",
      },
    ];
    this.graphs = [
      {
        title: "Interactions",
        metrics: [fn.metricInvocations(), fn.metricErrors(), this.interactions.counted("RequestUnanswered")],
      },
    ];
  }

  /** In a VPC only where one is named: a Lambda in the own network's public subnets would have no way out. */
  #placement({ settings, network, securityGroup }: InteractionsApiProps) {
    if (typeof settings.network === "string") return {};
    const { vpc, subnets } = network.asVpc(this);
    return { vpc, vpcSubnets: { subnets: [...subnets] }, allowPublicSubnet: true, securityGroups: [securityGroup] };
  }
}
