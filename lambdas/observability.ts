/** What all Lambdas log and count, with the id that ties a request's lines together. */
import { Logger } from "@aws-lambda-powertools/logger";
import { injectLambdaContext } from "@aws-lambda-powertools/logger/middleware";
import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";
import { logMetrics } from "@aws-lambda-powertools/metrics/middleware";
import middy, { type MiddlewareObj } from "@middy/core";
import type { Context } from "aws-lambda";
import type { LaunchEvent } from "../src/app/launch-worker/launch-events.ts";
import { NcfError } from "../src/core/errors.ts";

/** What is logged: names that searches and alarms may hang on. Each is counted, too, as a metric of the same name. */
export type LogEvent =
  | LaunchEvent["event"]
  | "uploadIngested"
  | "uploadKnown"
  | "uploadRefused"
  | "trainingRequested"
  | "trainingKnown"
  | "datasetRefused"
  | "versionServed"
  | "requestAnswered"
  | "requestUnanswered"
  | "timedOut"
  | "unexpectedError";

export interface Observer {
  /** @param fields beside the event's name */
  log(event: LogEvent, fields?: Readonly<Record<string, unknown>>): void;
  error(error: unknown): void;
  /** A metric that is no event. @param name as events are named */
  count(name: string, value: number): void;
  /** The middleware that surrounds a handler. */
  readonly around: readonly MiddlewareObj[];
}

/** Named by POWERTOOLS_SERVICE_NAME and POWERTOOLS_METRICS_NAMESPACE. */
export function observer(): Observer {
  const logger = new Logger();
  const metrics = new Metrics();
  const count = (event: string, value: number): void => {
    metrics.addMetric(metricOf(event), MetricUnit.Count, value);
  };
  return {
    log(event, fields = {}) {
      count(event, 1);
      logger.info(event, { event, ...fields });
    },
    error(error) {
      count("error", 1);
      logger.error("error", {
        event: "error",
        ...factsOf(error),
        error: error instanceof Error ? error : String(error),
      });
    },
    count,
    around: [
      injectLambdaContext(logger, { resetKeys: true }),
      logMetrics(metrics, { captureColdStartMetric: true }),
      {
        before: ({ event, context }) => {
          logger.setCorrelationId(correlationId(event, context));
        },
      },
    ],
  };
}

/** Such as UploadRefused for uploadRefused. */
function metricOf(event: string): string {
  return event[0].toUpperCase() + event.slice(1);
}

/** The same for errors of the project: their code, and whether trying again can help. */
function factsOf(error: unknown): object {
  if (!(error instanceof NcfError)) return {};
  const { code, retriable, data } = error;
  return { code, retriable, data };
}

const correlationHeaders = ["x-correlation-id", "x-request-id"];

/** The caller's own, where it is a plain one; else that of API Gateway, S3 or SQS, else the invocation's. */
export function correlationId(event: unknown, { awsRequestId }: Pick<Context, "awsRequestId">): string {
  const found = (event ?? {}) as {
    headers?: Record<string, string | undefined>;
    requestContext?: { requestId?: string };
    Records?: { messageId?: string; responseElements?: Record<string, string> }[];
  };
  for (const name of correlationHeaders) {
    const given = found.headers?.[name];
    if (given !== undefined && /^[\w.:/+=-]{1,128}$/.test(given)) return given;
  }
  const [record] = found.Records ?? [];
  return (
    found.requestContext?.requestId ??
    record?.messageId ??
    record?.responseElements?.["x-amz-request-id"] ??
    awsRequestId
  );
}

/** So long before Lambda ends an invocation it is told, so that the reason can be logged. */
export const timeoutEarlyInMillis = 500;

/**
 * A handler with logs and metrics around it; the signal is given when its time is over, as what it does would go on with the
 * Lambda's next event. What it throws is logged, and thrown on: the caller's queue tries again. */
export function observed<Event, Result>(
  { around, log, error: tell }: Observer,
  handle: (event: Event, context: Context, running: { readonly signal: AbortSignal }) => Promise<Result>,
) {
  return middy<Event, Result, Error, Context>({
    timeoutEarlyInMillis,
    timeoutEarlyResponse: () => {
      log("timedOut");
      throw new NcfError(
        "TIMED_OUT",
        "expected to end within the Lambda's time, but it is over. Give it more time or memory",
        {
          retriable: true,
        },
      );
    },
  })
    .use([
      ...around,
      {
        // In braces, as middy would take what it returns for the handler's answer.
        onError: ({ error }) => {
          tell(error);
        },
      },
    ])
    .handler(handle);
}
