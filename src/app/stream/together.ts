/**
 * Works that begin and end together: the first that fails stops the others, which close what they have.
 *
 * @throws what the first threw, once all have ended
 */
export async function together(
  signal: AbortSignal,
  works: readonly ((stopped: AbortSignal) => Promise<unknown>)[],
): Promise<void> {
  const failed = new AbortController();
  const stopped = AbortSignal.any([signal, failed.signal]);
  const failures: unknown[] = [];
  const fail = (cause: unknown): void => {
    failures.push(cause);
    failed.abort();
  };
  await Promise.all(works.map((work) => work(stopped).catch(fail)));
  if (failures.length > 0) throw failures[0];
}
