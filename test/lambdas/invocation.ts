/** Events and contexts as AWS gives them, and an observer that keeps what it is told. */
import type { Context } from "aws-lambda";
import type { LogEvent, Observer } from "../../lambdas/observability.ts";

export const context: Context = {
  callbackWaitsForEmptyEventLoop: true,
  functionName: "test",
  functionVersion: "1",
  invokedFunctionArn: "arn:aws:lambda:us-east-1:000000000000:function:test",
  memoryLimitInMB: "512",
  awsRequestId: "invocation-1",
  logGroupName: "test",
  logStreamName: "test",
  getRemainingTimeInMillis: () => 30_000,
  done() {},
  fail() {},
  succeed() {},
};

export interface Kept extends Observer {
  readonly events: { readonly event: LogEvent; readonly [field: string]: unknown }[];
  readonly errors: unknown[];
  readonly counts: Record<string, number>;
}

export function keeping(): Kept {
  const kept: Kept = {
    events: [],
    errors: [],
    counts: {},
    around: [],
    log: (event, fields = {}) => kept.events.push({ event, ...fields }),
    error: (error) => kept.errors.push(error),
    count(name, value) {
      kept.counts[name] = (kept.counts[name] ?? 0) + value;
    },
  };
  return kept;
}

/** As S3 tells of new objects. */
export function s3Event(bucket: string, ...keys: readonly string[]): object {
  return {
    Records: keys.map((key) => ({
      eventSource: "aws:s3",
      eventName: "ObjectCreated:Put",
      responseElements: { "x-amz-request-id": "s3-request-1" },
      s3: {
        bucket: { name: bucket },
        object: { key: encodeURIComponent(key).replaceAll("%20", "+"), eTag: "e", size: 1 },
      },
    })),
  };
}

export function sqsEvent(...bodies: readonly string[]): object {
  return {
    Records: bodies.map((body, i) => ({ messageId: `message-${i}`, body, eventSource: "aws:sqs", attributes: {} })),
  };
}

/** As an HTTP API and a function URL give requests. */
export function httpEvent(
  method: string,
  path: string,
  { query = "", body, headers = {} }: { query?: string; body?: unknown; headers?: Record<string, string> } = {},
): object {
  return {
    version: "2.0",
    routeKey: "$default",
    rawPath: path,
    rawQueryString: query,
    headers: { ...(body !== undefined && { "content-type": "application/json" }), ...headers },
    requestContext: { requestId: "api-request-1", http: { method, path, protocol: "HTTP/1.1", sourceIp: "192.0.2.1" } },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    isBase64Encoded: false,
  };
}
