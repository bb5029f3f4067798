/** What failed requests mean: kafkajs' errors have no common type. */
import { NcfError } from "../../core/errors.ts";

export interface Failure {
  readonly name?: string;
  /** Kafka's name for what a broker answered. */
  readonly type?: string;
  /** Node's, of a socket that failed. */
  readonly code?: string | number;
  readonly message?: string;
  readonly retriable?: boolean;
  readonly host?: string;
  readonly port?: number;
  readonly cause?: unknown;
  readonly errors?: readonly unknown[];
}

/** The error below kafkajs' wrappers. */
export function failureOf(error: unknown): Failure {
  let failure = (error ?? {}) as Failure;
  for (;;) {
    const inner = failure.errors?.[0] ?? failure.cause;
    if (failure instanceof NcfError || !(inner instanceof Error)) return failure;
    failure = inner as Failure;
  }
}

const connectionFailures = new Set([
  "KafkaJSConnectionError",
  "KafkaJSConnectionClosedError",
  "KafkaJSRequestTimeoutError",
  "KafkaJSBrokerNotFound",
  "KafkaJSLockTimeout",
  "KafkaJSMetadataNotLoaded",
  "KafkaJSGroupCoordinatorNotFound",
  "KafkaJSNoBrokerAvailableError",
]);

/** Whether it is unknown what became of the request. */
export function isConnectionFailure(error: unknown): boolean {
  return connectionFailures.has(failureOf(error).name ?? "");
}

/** What kafkajs calls not retriable, though the same request may succeed a moment later. */
const passing = new Set([
  "UNKNOWN",
  "BROKER_NOT_AVAILABLE",
  "STALE_CONTROLLER_EPOCH",
  "STALE_BROKER_EPOCH",
  "LOG_DIR_NOT_FOUND",
  "CONCURRENT_TRANSACTIONS",
]);

/** Whether the same request may succeed later. */
export function isTransient(error: unknown): boolean {
  const failure = failureOf(error);
  const { name = "", type = "", retriable, message } = failure;
  if (connectionFailures.has(name)) return !isDistrusted(failure);
  if (type !== "") return retriable === true || passing.has(type);
  // kafkajs takes a broker for connected a moment before it can be asked.
  return (retriable === true && name.startsWith("KafkaJS")) || message === "Broker not connected";
}

/**
 * What ends a transaction or a membership, but not its work: who begins anew at the committed offset goes on. A new leader or
 * coordinator may know less of a producer than the one that died.
 */
const beginningAnew = new Set([
  "OUT_OF_ORDER_SEQUENCE_NUMBER",
  "DUPLICATE_SEQUENCE_NUMBER",
  "UNKNOWN_PRODUCER_ID",
  "INVALID_PRODUCER_ID_MAPPING",
  "INVALID_PRODUCER_EPOCH",
  "INVALID_TXN_STATE",
  "TRANSACTION_COORDINATOR_FENCED",
  "ILLEGAL_GENERATION",
  "UNKNOWN_MEMBER_ID",
  "REBALANCE_IN_PROGRESS",
  // Those of newer brokers, such as 120, TRANSACTION_ABORTABLE.
  "KAFKAJS_UNKNOWN_ERROR_CODE",
]);

/** Whether the work may succeed later, though perhaps not by this request. */
export function canPass(error: unknown): boolean {
  return isTransient(error) || beginningAnew.has(failureOf(error).type ?? "");
}

/** Whether one side of a TLS connection does not take the other's certificate. */
function isDistrusted({ code }: Failure): boolean {
  return /CERT|^ERR_SSL_|^UNABLE_TO_|^INVALID_|^HOSTNAME_/.test(String(code ?? ""));
}

/** Whether a broker took the connection and closed it without an answer: it is starting or stopping, or wants TLS or a login. */
export function isTurnedAway(error: unknown): boolean {
  const { name, code } = failureOf(error);
  return name === "KafkaJSConnectionClosedError" || code === "ECONNRESET";
}

/** @returns `LOG_UNAVAILABLE` where the work may succeed later, else `LOG_REFUSED` */
export function requestFailed(what: string, cause: unknown): NcfError {
  const failure = failureOf(cause);
  const { name, type, message = String(cause) } = failure;
  // OpenSSL ends its messages with a line break.
  const found = type === undefined ? message.trim() : `${type}: ${message}`;
  if (canPass(cause)) {
    const advice = beginningAnew.has(type ?? "")
      ? "Begin anew at the committed offset"
      : isTurnedAway(cause)
        ? "A broker that closes connections at once wants TLS, or none, or a login; or it is not up yet"
        : "Check that its brokers run, can be reached, and whether they want TLS";
    const tried = isTransient(cause) ? " after repeated attempts" : "";
    return new NcfError("LOG_UNAVAILABLE", `expected Kafka to ${what}, found${tried}: ${found}. ${advice}`, {
      cause,
      retriable: true,
    });
  }
  const advice = isDistrusted(failure)
    ? "Check that the brokers' authority is the one given, that their certificates name the addresses used, and the client's own certificate"
    : name === "KafkaJSSASLAuthenticationError" || type === "ILLEGAL_SASL_STATE"
      ? "Check the mechanism, the user and the password, and whether this port takes logins"
      : "Check the settings and rights on the broker";
  return new NcfError("LOG_REFUSED", `expected Kafka to ${what}, but it refused: ${found}. ${advice}`, { cause });
}
