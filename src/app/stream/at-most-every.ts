/** Paces what costs: true at the first call, and then no more often than each `intervalMs`. */
export function atMostEvery(intervalMs: number, monotonicMs: () => number): () => boolean {
  let dueMs = Number.NEGATIVE_INFINITY;
  return () => {
    const nowMs = monotonicMs();
    if (nowMs < dueMs) return false;
    dueMs = nowMs + intervalMs;
    return true;
  };
}
