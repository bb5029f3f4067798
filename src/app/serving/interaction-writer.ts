/** Writes interactions to the log, and tells who brings them in time when it does not answer. */
import { setTimeout as sleep } from "node:timers/promises";
import { NcfError } from "../../core/errors.ts";
import type { InteractionLog } from "../../ports/interaction-log.ts";
import { logInteractions } from "./logged-interactions.ts";
import type { Interaction } from "./recommendation-service.ts";

export interface InteractionWriterDeps {
  readonly log: InteractionLog;
  readonly topic: string;
  /** After so long without an answer of the log, the caller gets one; Infinity waits as long as the log does. */
  readonly answerWithinMs: number;
}

export class InteractionWriter {
  readonly #deps: InteractionWriterDeps;
  /** Writes that have not ended, though their callers were told so. */
  #overdue = 0;

  constructor(deps: InteractionWriterDeps) {
    this.#deps = deps;
  }

  /**
   * @param onWritten called once the log has them, also where the caller was told otherwise before
   * @throws NcfError those of the log: nothing was written; `LOG_UNAVAILABLE` when it does not answer in time: they may yet be
   *   written; `LOG_BEHIND`, at once, while earlier ones wait: nothing was written
   */
  async write<T>(interactions: readonly Interaction[], onWritten: () => T): Promise<T> {
    const { log, topic, answerWithinMs } = this.#deps;
    if (interactions.length === 0) return onWritten();
    // Otherwise an outage would fill the memory with what waits for its end.
    if (this.#overdue > 0) throw behind(answerWithinMs);
    const written = logInteractions(log, topic, interactions).then(onWritten);
    if (answerWithinMs === Number.POSITIVE_INFINITY) return written;
    const ended = new AbortController();
    const late = async (): Promise<never> => {
      await sleep(answerWithinMs, undefined, { signal: ended.signal });
      this.#overdue += 1;
      const overdue = () => {
        this.#overdue -= 1;
      };
      void written.then(overdue, overdue);
      throw tooLate(answerWithinMs);
    };
    try {
      return await Promise.race([written, late()]);
    } finally {
      ended.abort();
    }
  }
}

function tooLate(withinMs: number): NcfError {
  return new NcfError(
    "LOG_UNAVAILABLE",
    `expected the log to take interactions within ${withinMs} ms, found no answer. Check that its brokers run; whether these ` +
      "are written yet is not known: sent again, they are repeats if they are",
    { retriable: true },
  );
}

function behind(withinMs: number): NcfError {
  return new NcfError(
    "LOG_BEHIND",
    `expected a log that takes interactions within ${withinMs} ms, found earlier ones still waiting for it: nothing was recorded, try again`,
    { retriable: true },
  );
}
