/** Recommendations over HTTP: the Lambda `score` behind an HTTP API, or behind a function URL. */
import { Duration, Fn, RemovalPolicy, Stack, Validations } from "aws-cdk-lib";
import {
  HttpApi,
  HttpNoneAuthorizer,
  HttpStage,
  type IHttpRouteAuthorizer,
  LogGroupLogDestination,
} from "aws-cdk-lib/aws-apigatewayv2";
import { HttpIamAuthorizer } from "aws-cdk-lib/aws-apigatewayv2-authorizers";
import { HttpLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import { type IGrantable, PolicyStatement } from "aws-cdk-lib/aws-iam";
import { FunctionUrlAuthType } from "aws-cdk-lib/aws-lambda";
import { LogGroup, type RetentionDays } from "aws-cdk-lib/aws-logs";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import type { AlarmDefinition, Graph, Watched } from "./alarm-definition.ts";
import { NcfFunction } from "./ncf-function.ts";
import { grantObjects } from "./object-access.ts";
import { type Settings, streamGroup } from "./settings.ts";

export interface ScoreApiProps {
  readonly settings: Settings;
  readonly bucket: IBucket;
}

/** The HTTP API's own limit is 30 seconds: the Lambda answers, even with an error, before. */
const scoreTimeout = Duration.seconds(28);
/** Requests a second beyond which callers get a 429: a mistake in a loop should not become a bill. */
const throttle = { rateLimit: 200, burstLimit: 400 };

export class ScoreApi extends Construct implements Watched {
  readonly score: NcfFunction;
  /** Undefined where the settings leave it out. */
  readonly api: HttpApi | undefined;
  /** Who may call, for further routes. */
  readonly authorizer: IHttpRouteAuthorizer;
  /** Where requests go: the API, else the function URL. Without a slash at its end. */
  readonly url: string;
  /** The service that requests are signed for; null where they are not. */
  readonly signedFor: "execute-api" | "lambda" | null;
  readonly alarms: readonly AlarmDefinition[];
  readonly graphs: readonly Graph[];

  constructor(scope: Construct, id: string, { settings, bucket }: ScoreApiProps) {
    super(scope, id);
    this.score = new NcfFunction(this, "Score", {
      settings,
      lambda: "score",
      description: "Answers requests for recommendations with the champion",
      memoryMiB: 1769, // one whole processor
      timeout: scoreTimeout,
      environment: {
        NCF_BUCKET: bucket.bucketName,
        ...(settings.kafka === undefined ? {} : { NCF_STREAM_GROUP: streamGroup(settings.kafka) }),
      },
    });
    grantObjects(this.score.role, bucket, {
      read: ["models/", "snapshots/", "streams/", "reports/", "interactions/"],
    });
    this.authorizer = settings.authorization === "iam" ? new HttpIamAuthorizer() : new HttpNoneAuthorizer();
    this.api = settings.httpApi ? this.#api(settings) : undefined;
    const functionUrl = settings.functionUrl ? this.#functionUrl(settings) : undefined;
    this.url = this.api?.apiEndpoint ?? functionUrl ?? "";
    if (settings.authorization === "none") this.signedFor = null;
    else this.signedFor = this.api === undefined ? "lambda" : "execute-api";
    this.alarms = this.#alarms();
    this.graphs = this.#graphs();
  }

  /** Lets a principal call the API, all routes, or the function URL where there is no API. */
  grantInvoke(grantee: IGrantable): void {
    if (this.api === undefined) {
      this.score.function.grantInvokeUrl(grantee);
      return;
    }
    grantee.grantPrincipal.addToPrincipalPolicy(
      new PolicyStatement({ actions: ["execute-api:Invoke"], resources: [this.api.arnForExecuteApi()] }),
    );
  }

  /** A line for a terminal that has credentials in its environment. */
  curlLine(path: string): string {
    if (this.signedFor === null) return `curl ${this.url}${path}`;
    return [
      `curl --aws-sigv4 "aws:amz:${Stack.of(this).region}:${this.signedFor}"`,
      '--user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" -H "x-amz-security-token: $AWS_SESSION_TOKEN"',
      `"${this.url}${path}"`,
    ].join(" ");
  }

  #api({ logDays, authorization }: Settings): HttpApi {
    const api = new HttpApi(this, "Api", {
      description: "Recommendations of ncf-stream",
      createDefaultStage: false,
      defaultAuthorizer: this.authorizer,
      defaultIntegration: new HttpLambdaIntegration("ScoreIntegration", this.score.function),
    });
    const logGroup = new LogGroup(this, "AccessLog", {
      retention: logDays as RetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    new HttpStage(this, "Stage", {
      httpApi: api,
      stageName: "$default",
      autoDeploy: true,
      throttle,
      accessLogSettings: { destination: new LogGroupLogDestination(logGroup) },
    });
    if (authorization === "none") {
      Validations.of(api).acknowledge({
        id: "AwsSolutions-APIG4",
        reason: "Asked for by the setting `authorization`: none.",
      });
    }
    return api;
  }

  #functionUrl({ authorization }: Settings): string {
    const { url } = this.score.function.addFunctionUrl({
      authType: authorization === "iam" ? FunctionUrlAuthType.AWS_IAM : FunctionUrlAuthType.NONE,
    });
    // It ends with a slash, which the API's does not.
    const [scheme, , host] = [0, 1, 2].map((part) => Fn.select(part, Fn.split("/", url)));
    return `${scheme}//${host}`;
  }

  #alarms(): AlarmDefinition[] {
    const { function: fn } = this.score;
    const period = Duration.minutes(5);
    const alarms: AlarmDefinition[] = [
      {
        id: "score-errors",
        metric: fn.metricErrors({ period }),
        threshold: 5,
        meaning: "score has crashed or run out of memory five times in five minutes.",
      },
      {
        id: "score-throttled",
        metric: fn.metricThrottles({ period }),
        threshold: 1,
        periods: 2,
        meaning: "Requests were turned away, as the account's limit of concurrent Lambdas is reached.",
      },
      {
        id: "api-errors",
        metric: this.api?.metricServerError({ period, statistic: "Sum" }) ?? this.score.counted("RequestUnanswered"),
        threshold: 5,
        meaning: "Callers have had five answers of 500 and above in five minutes.",
      },
    ];
    if (this.api === undefined) return alarms;
    return [
      ...alarms,
      {
        id: "api-slow",
        metric: this.api.metricLatency({ period, statistic: "p99" }),
        threshold: 3_000,
        periods: 3,
        meaning: "One answer in a hundred has taken more than three seconds for a quarter of an hour.",
      },
    ];
  }

  #graphs(): Graph[] {
    const { function: fn } = this.score;
    const score = { title: "score", metrics: [fn.metricInvocations(), fn.metricErrors(), fn.metricThrottles()] };
    const { api } = this;
    if (api === undefined) return [score];
    return [
      { title: "Requests", metrics: [api.metricCount(), api.metricClientError(), api.metricServerError()] },
      { title: "Latency, ms", metrics: ["p50", "p99"].map((statistic) => api.metricLatency({ statistic })) },
      score,
    ];
  }
}
