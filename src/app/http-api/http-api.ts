/** An HTTP API and its page as one function from a Request to a Response, for any server or Lambda. */
import { Hono } from "hono";
import { NcfError } from "../../core/errors.ts";
import { openApiDocument } from "./openapi.ts";
import type { Operation } from "./operation.ts";
import { type OperationDeps, operations } from "./operations.ts";
import { HttpProblem } from "./problem.ts";

export interface PageFile {
  readonly contentType: string;
  readonly body: string;
}

export interface ApiParts {
  /** Files of the page by path, such as "/" and "/assets/page.js"; none for an API without a page. */
  readonly page: ReadonlyMap<string, PageFile>;
  /** The program's version. */
  readonly version: string;
  /** Told of each error that is not the client's. */
  readonly onError: (error: unknown) => void;
}

export interface HttpApiDeps extends OperationDeps, ApiParts {}

/** The page takes scripts, styles and answers from where it came from, and nothing from anywhere else. */
const contentPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const securityHeaders: Readonly<Record<string, string>> = {
  "Content-Security-Policy": contentPolicy,
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
};

/** The whole API of a service. Never rejects: an error that is not the client's becomes a 500, and `onError` is told. */
export function createHttpApi(deps: HttpApiDeps): (request: Request) => Promise<Response> {
  return apiOf(operations(deps), deps);
}

/** The same for some routes. */
export function apiOf(
  routes: readonly Operation[],
  { page, version, onError }: ApiParts,
): (request: Request) => Promise<Response> {
  const document = JSON.stringify(openApiDocument(routes, version));
  const files = new Map([...page, ["/openapi.json", { contentType: "application/json", body: document }]]);
  const app = new Hono();

  app.use(async (c, next) => {
    if (!isDecodable(c.req.url)) {
      throw new HttpProblem(400, "expected percent-encoded UTF-8 in the address, found a stray % or other bytes");
    }
    await next();
  });
  for (const route of routes) {
    app.on(route.method, honoPath(route.path), (c) => route.answer(c.req.raw, c.req.param()));
  }
  for (const [path, { contentType, body }] of files) {
    app.get(path, () => new Response(body, { headers: { "Content-Type": contentType } }));
  }
  const methodsByPath = new Map<string, string[]>([...files.keys()].map((path) => [path, ["GET"]]));
  for (const { path, method } of routes) {
    methodsByPath.set(honoPath(path), [...(methodsByPath.get(honoPath(path)) ?? []), method]);
  }
  for (const [path, methods] of methodsByPath) {
    const allow = methods.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method])).join(", ");
    app.all(path, (c) => {
      throw new HttpProblem(405, `expected ${allow}, found ${c.req.method}`, { headers: { Allow: allow } });
    });
  }
  app.notFound(() => {
    throw new HttpProblem(404, "expected a path of the API, found another one; /openapi.json lists them");
  });
  app.onError((error) => problemOf(error, onError).response());

  return async (request) => {
    const response = await app.fetch(request);
    for (const [name, value] of Object.entries(securityHeaders)) response.headers.set(name, value);
    response.headers.set("Cache-Control", files.has(new URL(request.url).pathname) ? "no-cache" : "no-store");
    return response;
  };
}

function honoPath(path: string): string {
  return path.replace(/\{(\w+)\}/g, ":$1");
}

function isDecodable(address: string): boolean {
  const { pathname, search } = new URL(address);
  try {
    decodeURIComponent(pathname);
    decodeURIComponent(search);
    return true;
  } catch {
    return false;
  }
}

function problemOf(error: unknown, onError: (error: unknown) => void): HttpProblem {
  if (error instanceof HttpProblem) return error;
  if (error instanceof NcfError && error.code === "INTERACTIONS_FULL") return new HttpProblem(503, error.message);
  if (error instanceof NcfError && ["LOG_UNAVAILABLE", "LOG_BEHIND"].includes(error.code)) {
    // Of an outage, the first requests are told of; those that are turned away because of it are many.
    if (error.code === "LOG_UNAVAILABLE") onError(error);
    const again = "try again; what it has taken by then counts as a repeat";
    return new HttpProblem(503, `the log of interactions does not answer: ${again}`, {
      headers: { "Retry-After": "5" },
    });
  }
  onError(error);
  if (error instanceof NcfError && (error.retriable || error.code === "NO_CHAMPION")) {
    const what = error.code === "NO_CHAMPION" ? "no model is trained yet" : "what the service rests on does not answer";
    return new HttpProblem(503, `${what}: try again`, { headers: { "Retry-After": "5" } });
  }
  return new HttpProblem(500, "the service failed on this request; its log says why");
}
