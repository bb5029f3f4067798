/** The interaction log on Kafka, for commands that wait for brokers rather than fail without. */
import { setTimeout as sleep } from "node:timers/promises";
import type { KafkaConnection } from "../adapters/kafka/kafka-connection.ts";
import { KafkaInteractionLog } from "../adapters/kafka/kafka-interaction-log.ts";
import { NcfError } from "../core/errors.ts";

/** Requests are repeated so long, in a log whose reader waits and says so itself. */
const impatientRetryMs = 1500;
/** So long is an answer waited for in silence. */
const silenceMs = 2000;
const firstPauseMs = 100;
const longestPauseMs = 5000;

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
  try {
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
      signal.throwIfAborted();
      try {
        const probe = await openImpatientLog(connection);
        await probe.close();
        return await KafkaInteractionLog.open(connection);
      } catch (error) {
        if (!(error instanceof NcfError && error.code === "LOG_UNAVAILABLE")) throw error;
        if (!told) log(`ncf: ${error.message}. Until then, this waits.`);
        told = true;
      }
      await sleep(pauseMs, undefined, { signal }).catch(() => {});
    }
  } finally {
    clearTimeout(telling);
  }
}
