/** Downloads over HTTP that end: by the last byte, by an error that says why, or by a time limit. */
import { NcfError } from "../../core/errors.ts";

export interface HttpLimits {
  /** How long the server may take until its answer begins. */
  readonly connectTimeoutMs: number;
  /** How long the answer's body may stand still. */
  readonly stallTimeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

interface HttpBody {
  /** As the server announced it. */
  readonly sizeBytes: number | undefined;
  /** Must be read to the end or returned, else the connection stays open. */
  readonly chunks: AsyncGenerator<Uint8Array, void, undefined>;
}

const longestTextBytes = 65_536;

/**
 * The body at `url`, redirects followed.
 *
 * @throws NcfError `DATASET_UNREACHABLE` (retriable) when nothing answers in time, `DATASET_REFUSED` for a status other
 *   than 200, and while reading `DATASET_STALLED` and `DATASET_CUT` (both retriable); the signal's reason when aborted
 */
export async function httpBytes(url: string, limits: HttpLimits): Promise<HttpBody> {
  const abort = new AbortController();
  const signal = limits.signal === undefined ? abort.signal : AbortSignal.any([abort.signal, limits.signal]);
  const timer = setTimeout(() => abort.abort(), limits.connectTimeoutMs);
  let response: Response;
  try {
    response = await fetch(url, { signal, headers: { "accept-encoding": "identity" } });
  } catch (cause) {
    limits.signal?.throwIfAborted();
    const reason = abort.signal.aborted ? `no answer within ${limits.connectTimeoutMs} ms` : innermostMessage(cause);
    throw new NcfError(
      "DATASET_UNREACHABLE",
      `expected an answer from ${url}, found: ${reason}. Check the network, or give a path to ratings`,
      { cause, retriable: true },
    );
  } finally {
    clearTimeout(timer);
  }
  if (response.status !== 200 || response.body === null) {
    await response.body?.cancel();
    throw new NcfError("DATASET_REFUSED", `expected status 200 from ${url}, found ${response.status}`, {
      retriable: response.status >= 500 || response.status === 429,
    });
  }
  const announced = Number(response.headers.get("content-length") ?? Number.NaN);
  const chunks = watchedChunks(response.body, url, abort, limits);
  return { sizeBytes: Number.isSafeInteger(announced) ? announced : undefined, chunks };
}

/** A short text at `url`, cut at 64 KB. @throws NcfError like `httpBytes` */
export async function httpText(url: string, limits: HttpLimits): Promise<string> {
  const { chunks } = await httpBytes(url, limits);
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    parts.push(chunk);
    size += chunk.length;
    if (size > longestTextBytes) break;
  }
  return Buffer.concat(parts).toString("utf8");
}

async function* watchedChunks(
  body: ReadableStream<Uint8Array>,
  url: string,
  abort: AbortController,
  limits: HttpLimits,
): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = body.getReader();
  let received = 0;
  try {
    for (;;) {
      const timer = setTimeout(() => abort.abort(), limits.stallTimeoutMs);
      const { done, value } = await reader.read().finally(() => clearTimeout(timer));
      if (done) return;
      received += value.length;
      yield value;
    }
  } catch (cause) {
    limits.signal?.throwIfAborted();
    const stalled = abort.signal.aborted;
    const what = stalled
      ? `nothing more for ${limits.stallTimeoutMs} ms`
      : `the connection cut (${innermostMessage(cause)})`;
    throw new NcfError(
      stalled ? "DATASET_STALLED" : "DATASET_CUT",
      `expected the rest of ${url}, found ${what} after ${received} bytes. Try again`,
      { cause, retriable: true },
    );
  } finally {
    // Closes the connection when the reader gave up; after the last byte it does nothing.
    await reader.cancel().catch(() => undefined);
  }
}

/** What fetch hides: the network's own words. */
function innermostMessage(cause: unknown): string {
  let error = cause;
  while (error instanceof Error && error.cause instanceof Error) error = error.cause;
  if (error instanceof AggregateError && error.errors.length > 0) return innermostMessage(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}
