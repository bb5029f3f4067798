/** Work on a log that may be away for a while. */
import { NcfError } from "../../core/errors.ts";
import { withBackoff } from "../backoff.ts";

export interface OutageDeps {
  /** Resolves when the time is up or the signal is given. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Told each time that the log does not answer, and how long it waits before it tries again. */
  readonly onWait?: ((error: NcfError, retryMs: number) => void) | undefined;
}

/**
 * Does the work again while it fails in a way that can pass, with longer and longer pauses until it says that it got on.
 *
 * @throws what the work threw, where trying again cannot help; the signal's reason
 */
export function throughOutages<T>(
  { sleep, onWait }: OutageDeps,
  signal: AbortSignal,
  work: (gotOn: () => void) => Promise<T>,
): Promise<T> {
  const canPass = (error: unknown): boolean => error instanceof NcfError && error.retriable;
  return withBackoff(
    { signal, sleep, canPass, onWait: (error, retryMs) => onWait?.(error as NcfError, retryMs) },
    work,
  );
}
