/** An HTTP server of Node around a function from a Request to a Response. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { NcfError } from "../../core/errors.ts";

export interface HttpServerOptions {
  /** 0 for any free port. */
  readonly port: number;
  /** 127.0.0.1 by default: nobody but this machine. */
  readonly host?: string;
  /**
   * Names by which clients reach it, beside those of this machine. Whoever listens on this machine only, or names some, is
   * answered under these names alone: a page of another site can have a name of its own point here (DNS rebinding).
   */
  readonly names?: readonly string[];
  /** How long requests in flight may take to finish when the server closes; 10 s by default. */
  readonly closeWithinMs?: number;
  /** Told of errors that no client hears of. */
  readonly onError: (error: unknown) => void;
}

export interface HttpServer {
  readonly url: string;
  /** Accepts nothing new, lets requests in flight finish within bounds, then closes every connection. */
  close(): Promise<void>;
}

const headersTimeoutMs = 10_000;
/** For a whole request, its body included. */
const requestTimeoutMs = 30_000;
const keepAliveTimeoutMs = 5_000;
/** How long a client that follows events may take nothing. */
const stalledClientMs = 60_000;

/** @throws NcfError `PORT_IN_USE`, `ADDRESS_UNUSABLE` */
export async function startHttpServer(
  handle: (request: Request) => Promise<Response>,
  { port, host = "127.0.0.1", names = [], closeWithinMs = 10_000, onError }: HttpServerOptions,
): Promise<HttpServer> {
  let closing = false;
  const known = isThisMachine(host) || names.length > 0 ? new Set(names.map((name) => name.toLowerCase())) : null;
  const server = createServer(
    {
      headersTimeout: headersTimeoutMs,
      requestTimeout: requestTimeoutMs,
      keepAliveTimeout: keepAliveTimeoutMs,
      connectionsCheckingInterval: 1_000,
    },
    (incoming, outgoing) => {
      // A kept connection would outlive the server.
      if (closing) outgoing.setHeader("Connection", "close");
      const name = hostName(incoming);
      if (known !== null && !known.has(name) && !isThisMachine(name)) return refuseName(incoming, outgoing, name);
      answer(handle, incoming, outgoing, () => closing).catch((error: unknown) => {
        onError(error);
        outgoing.destroy();
      });
    },
  );
  await listen(server, port, host);
  const address = server.address() as AddressInfo;
  const shownHost = address.family === "IPv6" ? `[${address.address}]` : address.address;
  return {
    url: `http://${shownHost}:${address.port}`,
    close: () =>
      new Promise((resolve) => {
        closing = true;
        const limit = setTimeout(() => server.closeAllConnections(), closeWithinMs);
        server.close(() => {
          clearTimeout(limit);
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
}

/** Without the port, in lower case. An old client that sends none means this machine. */
function hostName({ headers }: IncomingMessage): string {
  return (headers.host ?? "localhost").toLowerCase().replace(/:\d+$/, "");
}

function isThisMachine(name: string): boolean {
  return /^(localhost|.+\.localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)$/.test(name);
}

function refuseName(incoming: IncomingMessage, outgoing: ServerResponse, name: string): void {
  outgoing.writeHead(421, { "Content-Type": "text/plain; charset=utf-8", Connection: "close" });
  outgoing.end(`expected a name of this machine or one of --allow-name, found ${JSON.stringify(name)}\n`);
  discardRest(incoming);
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      if (cause.code === "EADDRINUSE") {
        const message = `expected port ${port} of ${host} to be free, but another program listens there. Choose another --port, or 0 for any free one`;
        reject(new NcfError("PORT_IN_USE", message, { cause }));
      } else {
        const message = `expected an address of this machine to listen on, found ${host} port ${port}: ${cause.message}. Choose another --host or --port`;
        reject(new NcfError("ADDRESS_UNUSABLE", message, { cause }));
      }
    });
    server.listen(port, host, resolve);
  });
}

async function answer(
  handle: (request: Request) => Promise<Response>,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  isClosing: () => boolean,
): Promise<void> {
  const request = requestOf(incoming);
  if (request === null) {
    outgoing.writeHead(400, { "Content-Type": "text/plain", Connection: "close" });
    outgoing.end("expected an address that starts with /\n");
    return;
  }
  const response = await handle(request);
  // A client that left needs no answer.
  if (outgoing.destroyed) return response.body?.cancel();
  // The rest of a body that nobody read would be taken for the next request.
  const unread = !incoming.complete && hasBody(incoming);
  if (unread || isClosing()) outgoing.setHeader("Connection", "close");
  outgoing.statusCode = response.status;
  for (const [name, value] of response.headers) outgoing.appendHeader(name, value);
  if (response.body !== null && response.headers.get("content-type")?.startsWith("text/event-stream")) {
    return writeEvents(response.body, outgoing);
  }
  const body = response.body === null ? null : new Uint8Array(await response.arrayBuffer());
  if (body !== null && !outgoing.hasHeader("content-length")) outgoing.setHeader("Content-Length", body.byteLength);
  outgoing.end(incoming.method === "HEAD" ? undefined : (body ?? undefined));
  if (unread) outgoing.once("finish", () => discardRest(incoming));
}

/** Writes events as they come. The next ones are asked for when the client has taken those before. */
async function writeEvents(body: ReadableStream<Uint8Array>, outgoing: ServerResponse): Promise<void> {
  const reader = body.getReader();
  outgoing.once("close", () => void reader.cancel().catch(() => {}));
  // Kept for a next request, it would hold up the server's end.
  outgoing.setHeader("Connection", "close");
  outgoing.flushHeaders();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (!outgoing.write(value)) await drained(outgoing);
  }
  outgoing.end();
}

/** Resolves when there is room again or the client has left; one that takes nothing for too long is made to leave. */
function drained(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(limit);
      outgoing.off("drain", end).off("close", end);
      resolve();
    };
    const limit = setTimeout(() => outgoing.destroy(), stalledClientMs);
    outgoing.once("drain", end).once("close", end);
    if (outgoing.destroyed) end();
  });
}

/** Null for what is not the address of something here: the asterisk form, or a proxy's absolute form. */
function requestOf(incoming: IncomingMessage): Request | null {
  const { url = "", method = "GET" } = incoming;
  if (!url.startsWith("/") || !URL.canParse(`http://localhost${url}`)) return null;
  const headers = new Headers();
  for (const [name, values = []] of Object.entries(incoming.headersDistinct)) {
    for (const value of values) headers.append(name, value);
  }
  const body = hasBody(incoming) && method !== "GET" && method !== "HEAD" ? Readable.toWeb(incoming) : null;
  // Which host a client calls this server by decides nothing.
  return new Request(`http://localhost${url}`, { method, headers, body, duplex: "half" });
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

/** Bytes of a refused body that are read and thrown away, so that the client gets to read the refusal. */
const discardedBytes = 8 * 1024 * 1024;

function discardRest(incoming: IncomingMessage): void {
  let bytes = 0;
  incoming.on("data", (chunk: Uint8Array) => {
    bytes += chunk.byteLength;
    if (bytes > discardedBytes) incoming.destroy();
  });
  incoming.resume();
}
