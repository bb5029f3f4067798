/** The service's answers. An error says what the service said. */

/** @param {string} path */
export function get(path, signal) {
  return answer(path, { signal });
}

export function post(path, body, signal) {
  return answer(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    signal,
  });
}

async function answer(path, init) {
  const response = await fetch(path, init);
  const body = await response.json();
  if (!response.ok) throw new Error(body.detail ?? `the service answered ${response.status}`);
  return body;
}

/**
 * Runs one piece of work at a time: a new one stops the one before, whose late answer then changes nothing.
 *
 * @returns {(work: (signal: AbortSignal) => Promise<void>) => Promise<void>}
 */
export function latestOnly() {
  let running = new AbortController();
  return async (work) => {
    running.abort();
    const mine = new AbortController();
    running = mine;
    try {
      await work(mine.signal);
    } catch (error) {
      if (!mine.signal.aborted) throw error;
    }
  };
}
