/** One of the Lambdas: its bundle, its own role with its own log, and the settings that all share. */
import { Duration, RemovalPolicy, Size, Validations } from "aws-cdk-lib";
import { Metric, Stats } from "aws-cdk-lib/aws-cloudwatch";
import { ManagedPolicy, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import {
  Architecture,
  Code,
  type FunctionProps,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
} from "aws-cdk-lib/aws-lambda";
import { LogGroup, type RetentionDays } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import { Assets, type LambdaName } from "./assets.ts";
import type { Settings } from "./settings.ts";

export interface NcfFunctionProps
  extends Pick<
    FunctionProps,
    "vpc" | "vpcSubnets" | "allowPublicSubnet" | "securityGroups" | "onFailure" | "retryAttempts"
  > {
  readonly settings: Settings;
  readonly lambda: LambdaName;
  readonly description: string;
  readonly memoryMiB: number;
  readonly timeout: Duration;
  /** Of /tmp. Default: 512 */
  readonly diskMiB?: number;
  readonly environment: Readonly<Record<string, string>>;
}

export class NcfFunction extends Construct {
  readonly function: LambdaFunction;
  readonly role: Role;
  readonly #counts: { readonly namespace: string; readonly dimensionsMap: { readonly service: LambdaName } };

  constructor(scope: Construct, id: string, props: NcfFunctionProps) {
    super(scope, id);
    const { settings, lambda, memoryMiB, diskMiB, environment, ...others } = props;
    this.#counts = { namespace: metricsNamespace(settings), dimensionsMap: { service: lambda } };
    const logGroup = new LogGroup(this, "Log", {
      retention: settings.logDays as RetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.role = new Role(this, "Role", { assumedBy: new ServicePrincipal("lambda.amazonaws.com") });
    logGroup.grantWrite(this.role);
    if (props.vpc !== undefined) {
      this.role.addManagedPolicy(
        ManagedPolicy.fromAwsManagedPolicyName("service-role/AWSLambdaVPCAccessExecutionRole"),
      );
      Validations.of(this.role).acknowledge({
        id: "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole]",
        reason: "AWS' own list of what a Lambda needs to have a network interface in a VPC, and to write its log.",
      });
    }
    this.function = new LambdaFunction(this, "Function", {
      ...others,
      runtime: Runtime.NODEJS_22_X,
      architecture: Architecture.ARM_64,
      code: Code.fromAsset(new Assets(settings.assetsFolder).lambda(lambda)),
      handler: "index.handler",
      memorySize: memoryMiB,
      ...(diskMiB === undefined ? {} : { ephemeralStorageSize: Size.mebibytes(diskMiB) }),
      role: this.role,
      logGroup,
      loggingFormat: LoggingFormat.JSON,
      environment: {
        POWERTOOLS_SERVICE_NAME: lambda,
        POWERTOOLS_METRICS_NAMESPACE: metricsNamespace(settings),
        ...environment,
      },
    });
    Validations.of(this.function).acknowledge({
      id: "AwsSolutions-L1",
      reason: "Node 22 is what the bundles are built for and tested on; it is supported until April 2027.",
    });
  }

  /** How often the Lambda has counted what is named so, in five minutes. */
  counted(metricName: string): Metric {
    return new Metric({ ...this.#counts, metricName, statistic: Stats.SUM, period: Duration.minutes(5) });
  }
}

/** Where Lambdas and workers of a deployment put the metrics that AWS does not count itself. */
export function metricsNamespace({ name }: Settings): string {
  return `ncf-stream/${name}`;
}
