/** Work on a log that may be away for a while. */
import { NcfError } from "../../core/errors.ts";

export interface OutageDeps {
  /** Resolves when the time is up or the signal is given. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Told each time that the log does not answer, and how long it waits before it tries again. */
  readonly onWait?: ((error: NcfError, retryMs: number) => void) | undefined;
}

const firstRetryMs = 500;
const longestRetryMs = 30_000;

/**
 * Does the work again while it fails in a way that can pass, with longer and longer pauses until it says that it got on.
 *
 * @throws what the work threw, where trying again cannot help; the signal's reason
 */
export async function throughOutages<T>(
  { sleep, onWait }: OutageDeps,
  signal: AbortSignal,
  work: (gotOn: () => void) => Promise<T>,
): Promise<T> {
  let retryMs = firstRetryMs;
  const gotOn = (): void => {
    retryMs = firstRetryMs;
  };
  for (;;) {
    try {
      return await work(gotOn);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof NcfError && error.retriable)) throw error;
      onWait?.(error, retryMs);
      await sleep(retryMs, signal);
      signal.throwIfAborted();
      retryMs = Math.min(2 * retryMs, longestRetryMs);
    }
  }
}
