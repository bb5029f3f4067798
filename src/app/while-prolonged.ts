/** Work on what is one's own for a time only, such as a job or a lease, and is prolonged until the work is done. */

export interface Prolonging {
  /** For so long it is one's own; it is prolonged at a third of that. */
  readonly leaseSeconds: number;
  /** Prolongs all that is held, each for itself. */
  readonly prolong: () => readonly Promise<unknown>[];
  /** Whether the error is the word that another has it, and not just that nobody answers. */
  readonly isLoss: (error: unknown) => boolean;
  /** Told where it could not be prolonged, and is still one's own as far as is known: the work goes on. */
  readonly onFailure: (error: unknown) => void;
}

/**
 * @param lost aborted with the reason where another has what is held
 * @throws that reason, which says more than that the work was stopped; else what the work threw
 */
export async function whileProlonged<T>(
  { leaseSeconds, prolong, isLoss, onFailure }: Prolonging,
  lost: AbortController,
  work: () => Promise<T>,
): Promise<T> {
  const note = (error: unknown): void => {
    if (isLoss(error)) lost.abort(error);
    else if (!lost.signal.aborted) onFailure(error);
  };
  const prolonging = new Set<Promise<unknown>>();
  const prolongAll = (): void => {
    for (const each of prolong()) {
      const noted = each.catch(note).finally(() => prolonging.delete(noted));
      prolonging.add(noted);
    }
  };
  const timer = setInterval(prolongAll, (1000 * leaseSeconds) / 3);
  try {
    return await work();
  } catch (error) {
    throw lost.signal.aborted ? lost.signal.reason : error;
  } finally {
    clearInterval(timer);
    // So that none comes after what is held was given back.
    await Promise.all(prolonging);
  }
}
