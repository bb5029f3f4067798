/** Work that goes on through failures that pass. */
import { NcfError } from "../../core/errors.ts";
import { withBackoff } from "../backoff.ts";
import type { StreamEvent } from "./stream-events.ts";

export interface RetryOptions {
  /** "partition 3", "windows", ...: names the work in events. */
  readonly who: string;
  readonly signal: AbortSignal;
  readonly onEvent: (event: StreamEvent) => void;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

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
  if (signal.aborted) return undefined;
  let waiting = false;
  const recover = (): void => {
    if (waiting) onEvent({ event: "recovered", who });
    waiting = false;
  };
  const onWait = (cause: unknown, retryMs: number): void => {
    waiting = true;
    onEvent(isFenced(cause) ? { event: "fenced", who } : { event: "waiting", who, retryMs, cause });
  };
  const options = { signal, sleep, canPass: (error: unknown) => isFenced(error) || canPass(error), onWait };
  try {
    const result = await withBackoff(options, (gotOn) =>
      work(() => {
        recover();
        gotOn();
      }),
    );
    recover();
    return result;
  } catch (error) {
    if (!signal.aborted) throw error;
    if (waiting) onEvent({ event: "waitEnded", who });
    return undefined;
  }
}

function isFenced(error: unknown): boolean {
  return error instanceof NcfError && error.code === "PRODUCER_FENCED";
}

/** Whether it may be better later: a log or store that does not answer, a full disk. */
export function canPass(error: unknown): boolean {
  if (error instanceof NcfError) return error.retriable || canPass(error.cause);
  const { code, syscall } = (error ?? {}) as { readonly code?: unknown; readonly syscall?: unknown };
  return typeof code === "string" && typeof syscall === "string";
}
