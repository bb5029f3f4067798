/** Work that is done again while it fails in a way that can pass. */

export interface BackoffOptions {
  readonly signal: AbortSignal;
  /** Resolves when the time is up or the signal is given. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Whether trying again can help. */
  readonly canPass: (error: unknown) => boolean;
  readonly onWait: (error: unknown, retryMs: number) => void;
  /** Pauses grow up to this; by default what spares a service that is away for long. */
  readonly longestRetryMs?: number;
}

const firstRetryMs = 500;

/**
 * Does the work until it succeeds, with longer and longer pauses until it says that it got on.
 *
 * @throws what the work threw, where trying again cannot help; the signal's reason
 */
export async function withBackoff<T>(
  { signal, sleep, canPass, onWait, longestRetryMs = 30_000 }: BackoffOptions,
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
      if (!canPass(error)) throw error;
      onWait(error, retryMs);
      await sleep(retryMs, signal);
      signal.throwIfAborted();
      retryMs = Math.min(2 * retryMs, longestRetryMs);
    }
  }
}
