/** One route: its schemas, from which come the check of a request, the OpenAPI document and the types of its handler. */
import { z } from "zod";
import { HttpProblem, invalidFields } from "./problem.ts";

/** Bodies are JSON of at most so many bytes. */
export const maxBodyBytes = 256 * 1024;

type Fields = z.ZodObject;

interface Spec<P extends Fields, Q extends Fields, B extends z.ZodType, R extends z.ZodType> {
  readonly id: string;
  readonly method: "GET" | "POST";
  /** With parameters in braces, as OpenAPI writes them. */
  readonly path: string;
  readonly summary: string;
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  readonly response: R;
  readonly handle: (request: {
    readonly params: z.output<P>;
    readonly query: z.output<Q>;
    readonly body: z.output<B>;
  }) => z.input<R> | Promise<z.input<R>>;
}

export interface Operation extends Omit<Spec<Fields, Fields, z.ZodType, z.ZodType>, "handle"> {
  readonly contentType: "application/json" | "text/event-stream";
  readonly headers?: Fields;
  /** @throws HttpProblem */
  answer(request: Request, params: Readonly<Record<string, string>>): Promise<Response>;
}

export function operation<P extends Fields, Q extends Fields, B extends z.ZodType, R extends z.ZodType>(
  spec: Spec<P, Q, B, R>,
): Operation {
  const { handle, ...described } = spec;
  return {
    ...described,
    contentType: "application/json",
    async answer(request, params) {
      const { searchParams } = new URL(request.url);
      const answer = await handle({
        params: parsed(spec.params, params),
        query: parsed(spec.query, queryFields(searchParams)),
        body: parsed(spec.body, spec.body && (await jsonBody(request))),
      });
      return Response.json(answer);
    },
  };
}

/** A route that answers with server-sent events, which go on until the client leaves or the service ends. */
export function eventStream<H extends Fields>(spec: {
  readonly id: string;
  readonly path: string;
  readonly summary: string;
  readonly headers: H;
  /** Of the stream as one text; says which events there are. */
  readonly response: z.ZodString;
  /** @throws HttpProblem */
  readonly open: (headers: z.output<H>) => Promise<ReadableStream<Uint8Array>>;
}): Operation {
  const { open, ...described } = spec;
  return {
    ...described,
    method: "GET",
    query: z.strictObject({}),
    contentType: "text/event-stream",
    async answer(request) {
      parsed(this.query, queryFields(new URL(request.url).searchParams));
      const sent = Object.keys(spec.headers.shape).flatMap((name) => {
        const value = request.headers.get(name);
        return value === null ? [] : [[name, value]];
      });
      const headers = parsed(spec.headers, Object.fromEntries(sent));
      // A proxy would hold events back to compress them, or to fill a buffer.
      const answered = { "Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no" };
      return new Response(request.method === "HEAD" ? null : await open(headers), { headers: answered });
    },
  };
}

function parsed<T extends z.ZodType>(schema: T | undefined, value: unknown): z.output<T> {
  const result = schema?.safeParse(value);
  if (result?.success === false) throw invalidFields(result.error);
  return result?.data as z.output<T>;
}

function queryFields(query: URLSearchParams): Record<string, string> {
  const fields: Record<string, string> = Object.create(null);
  for (const [name, value] of query) {
    if (name in fields) {
      const message = "expected once, found more than once";
      throw new HttpProblem(400, `${name}: ${message}`, { errors: [{ field: name, message }] });
    }
    fields[name] = value;
  }
  // A plain object, as schemas want it; defining rather than assigning keeps a field named __proto__ a field.
  return Object.defineProperties({}, Object.getOwnPropertyDescriptors(fields)) as Record<string, string>;
}

async function jsonBody(request: Request): Promise<unknown> {
  const type = (request.headers.get("content-type") ?? "").split(";")[0].trim().toLowerCase();
  if (type !== "application/json") {
    throw new HttpProblem(415, `expected Content-Type application/json, found ${type === "" ? "none" : `"${type}"`}`);
  }
  const text = await bodyText(request);
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new HttpProblem(400, `body: expected JSON, found something else: ${reason}`, {
      errors: [{ field: "body", message: "expected JSON" }],
    });
  }
}

/** Stops reading at the limit, so that a large body never fills the memory. */
async function bodyText(request: Request): Promise<string> {
  const tooLarge = new HttpProblem(
    413,
    `expected a body of at most ${maxBodyBytes} bytes, found more: send less at a time`,
  );
  if (Number(request.headers.get("content-length") ?? 0) > maxBodyBytes) throw tooLarge;
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > maxBodyBytes) throw tooLarge;
    chunks.push(chunk);
  }
  const decoder = new TextDecoder("utf-8", { fatal: true });
  try {
    return chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join("") + decoder.decode();
  } catch {
    throw new HttpProblem(400, "body: expected UTF-8, found other bytes", {
      errors: [{ field: "body", message: "expected UTF-8" }],
    });
  }
}
