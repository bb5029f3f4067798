/** Work that goes on through failures that pass. */
import { NcfError } from "../../core/errors.ts";
import type { StreamEvent } from "./stream-events.ts";

export interface RetryOptions {
  /** "partition 3", "windows", ...: names the work in events. */
  readonly who: string;
  readonly signal: AbortSignal;
  readonly onEvent: (event: StreamEvent) => void;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

const firstRetryMs = 500;
const longestRetryMs = 30_000;

/**
 * Calls `work` until it succeeds; `progressed` tells that it works so far, so that its next failure is the first again.
 *
 * @returns undefined when the signal was given before
 * @throws what `work` threw, where trying again cannot help
 */
export async function retrying<T>(
  { who, signal, onEvent, sleep }: RetryOptions,
  work: (progressed: () => void) => Promise<T>,
): Promise<T | undefined> {
  let failures = 0;
  const progressed = (): void => {
    if (failures > 0) onEvent({ event: "recovered", who });
    failures = 0;
  };
  while (!signal.aborted) {
    try {
      const result = await work(progressed);
      progressed();
      return result;
    } catch (cause) {
      if (signal.aborted) return undefined;
      const fenced = cause instanceof NcfError && cause.code === "PRODUCER_FENCED";
      if (!fenced && !canPass(cause)) throw cause;
      const retryMs = Math.min(longestRetryMs, firstRetryMs * 2 ** failures);
      failures += 1;
      onEvent(fenced ? { event: "fenced", who } : { event: "waiting", who, retryMs, cause });
      await sleep(retryMs, signal);
    }
  }
  return undefined;
}

/** Whether it may be better later: a log or store that does not answer, a full disk. */
function canPass(error: unknown): boolean {
  if (error instanceof NcfError) return error.retriable || canPass(error.cause);
  const { code, syscall } = (error ?? {}) as { readonly code?: unknown; readonly syscall?: unknown };
  return typeof code === "string" && typeof syscall === "string";
}
