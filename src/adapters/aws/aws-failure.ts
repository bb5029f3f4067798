/** What the AWS SDK throws, as an error of ours. The SDK has tried again by then, as its client is set to. */
import { NcfError } from "../../core/errors.ts";

export interface FailedCall {
  /** What an error of this port is called: "STORE" gives `STORE_UNAVAILABLE`, `STORE_DENIED` and `STORE_REFUSED`. */
  readonly port: "STORE" | "QUEUE" | "LAUNCH" | "METRICS";
  /** What was tried, such as "S3 PutObject of s3://bucket/key". */
  readonly tried: string;
  /** What the caller's role needs for it, such as "s3:PutObject". */
  readonly permission: string;
}

interface FailureFacts {
  /** The service's error code, or the name of what the SDK threw. */
  readonly name: string;
  /** Undefined where no answer came. */
  readonly httpStatus: number | undefined;
  /** How often the SDK sent the request. */
  readonly attempts: number;
}

export function failureFacts(error: unknown): FailureFacts {
  const { name, Code, code, $metadata } = error as {
    name?: string;
    Code?: string;
    code?: string;
    $metadata?: { httpStatusCode?: number; attempts?: number };
  };
  // What is no answer of a service carries its reason in `code`, such as ECONNREFUSED.
  const ofNetwork = $metadata?.httpStatusCode === undefined && code !== undefined ? code : undefined;
  return {
    name: ofNetwork ?? Code ?? name ?? "unknown",
    httpStatus: $metadata?.httpStatusCode,
    attempts: $metadata?.attempts ?? 1,
  };
}

const withoutCredentials = new Set([
  "CredentialsProviderError",
  "ExpiredToken",
  "ExpiredTokenException",
  "RequestExpired",
  "InvalidAccessKeyId",
  "InvalidClientTokenId",
  "UnrecognizedClientException",
  "AuthFailure",
  "SignatureDoesNotMatch",
]);
const denials = new Set([
  "AccessDenied",
  "AccessDeniedException",
  "AWS.SimpleQueueService.AccessDenied",
  "UnauthorizedOperation",
]);
const passing =
  /^(SlowDown|Throttl|KmsThrottled|TooManyRequests|RequestThrottled|RequestLimitExceeded|RequestTimeout|InternalError|InternalFailure|ServiceUnavailable|Unavailable|OverLimit|TimeoutError|AbortError|ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|ERR_STREAM_PREMATURE_CLOSE)/;

/** Whether the same call may succeed later: the service or the way to it is out of order. */
export function canPass(error: unknown): boolean {
  const { name, httpStatus } = failureFacts(error);
  return passing.test(name) || httpStatus === 429 || (httpStatus !== undefined && httpStatus >= 500);
}

/** An error of our own stays what it is. */
export function awsFailure(cause: unknown, { port, tried, permission }: FailedCall): NcfError {
  if (cause instanceof NcfError) return cause;
  const { name, httpStatus, attempts } = failureFacts(cause);
  const said = `${name}${httpStatus === undefined ? "" : ` (HTTP ${httpStatus})`}: ${messageOf(cause)}`;
  const data = { awsCode: name, httpStatus, attempts };
  if (withoutCredentials.has(name)) {
    return new NcfError(
      `${port}_DENIED`,
      `expected credentials that AWS takes for ${tried}, found ${said}. Log in again, or correct the role or the variables AWS_*`,
      { cause, data },
    );
  }
  if (denials.has(name) || httpStatus === 403) {
    return new NcfError(
      `${port}_DENIED`,
      `expected to be allowed ${permission} for ${tried}, found ${said}. Grant it to the caller's role`,
      { cause, data },
    );
  }
  if (canPass(cause)) {
    return new NcfError(
      `${port}_UNAVAILABLE`,
      `expected an answer to ${tried}, found ${said} after ${attempts} attempts. Try again later`,
      { cause, data, retriable: true },
    );
  }
  return new NcfError(`${port}_REFUSED`, `expected AWS to take ${tried}, found ${said}. Correct the request`, {
    cause,
    data,
  });
}

function messageOf(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  return message === "" ? "no message" : message;
}
