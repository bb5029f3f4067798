/** The interaction log on Kafka, for commands that wait for brokers rather than fail without. */
import { setTimeout as sleep } from "node:timers/promises";
import type { KafkaConnection } from "../adapters/kafka/kafka-connection.ts";
import { KafkaInteractionLog } from "../adapters/kafka/kafka-interaction-log.ts";
import { withBackoff } from "../app/backoff.ts";
import { NcfError } from "../core/errors.ts";

/** Requests are repeated so long, in a log whose reader waits and says so itself. */
const impatientRetryMs = 1500;
/** So long is an answer waited for in silence. */
const silenceMs = 2000;
const longestRetryMs = 5000;

/** A log that gives up within seconds. @throws NcfError those of `KafkaInteractionLog.open` */
export function openImpatientLog(connection: KafkaConnection): Promise<KafkaInteractionLog> {
  return KafkaInteractionLog.open({ ...connection, retryMs: impatientRetryMs });
}

/**
 * A log, once brokers answer; says within seconds that it waits for them.
 *
 * @throws NcfError `LOG_REFUSED`; the signal's reason
 */
export async function openLogWhenThere(
  connection: KafkaConnection,
  { signal, log }: { readonly signal: AbortSignal; readonly log: (line: string) => void },
): Promise<KafkaInteractionLog> {
  const where = connection.brokers.join(", ");
  const telling = setTimeout(() => log(`Waiting for Kafka at ${where}; Ctrl-C stops it.`), silenceMs);
  let told = false;
  const waiting = {
    signal,
    sleep: (ms: number) => sleep(ms, undefined, { signal }).catch(() => undefined),
    canPass: (error: unknown) => error instanceof NcfError && error.code === "LOG_UNAVAILABLE",
    onWait: (error: unknown) => {
      if (!told) log(`ncf: ${(error as NcfError).message}. Until then, this waits.`);
      told = true;
    },
    longestRetryMs,
  };
  try {
    return await withBackoff(waiting, async () => {
      const probe = await openImpatientLog(connection);
      await probe.close();
      return KafkaInteractionLog.open(connection);
    });
  } finally {
    clearTimeout(telling);
  }
}
