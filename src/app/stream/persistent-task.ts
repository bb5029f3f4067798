/** Work that goes on, through failures that pass, until it is stopped. */
import { NcfError } from "../../core/errors.ts";
import type { StreamEvent } from "./stream-events.ts";

export interface TaskOptions {
  /** "partition 3" or "windows": names the work in events. */
  readonly who: string;
  readonly signal: AbortSignal;
  readonly onEvent: (event: StreamEvent) => void;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

const firstRetryMs = 500;
const longestRetryMs = 30_000;

/**
 * Calls `work` until the signal is given. It is to return only then; `progressed` tells that it works, so that the next failure
 * is the first again.
 *
 * @throws what `work` threw, where trying again cannot help
 */
export async function persist(
  { who, signal, onEvent, sleep }: TaskOptions,
  work: (progressed: () => void) => Promise<void>,
): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    try {
      await work(() => {
        if (failures > 0) onEvent({ event: "recovered", who });
        failures = 0;
      });
    } catch (cause) {
      if (signal.aborted) return;
      const fenced = cause instanceof NcfError && cause.code === "PRODUCER_FENCED";
      if (!fenced && !canPass(cause)) throw cause;
      const retryMs = Math.min(longestRetryMs, firstRetryMs * 2 ** failures);
      failures += 1;
      onEvent(fenced ? { event: "fenced", who } : { event: "waiting", who, retryMs, cause });
      await sleep(retryMs, signal);
    }
  }
}

/** Whether it may be better later: a log or store that does not answer, a full disk. */
function canPass(error: unknown): boolean {
  if (error instanceof NcfError) return error.retriable || canPass(error.cause);
  const { code, syscall } = (error ?? {}) as { readonly code?: unknown; readonly syscall?: unknown };
  return typeof code === "string" && typeof syscall === "string";
}
