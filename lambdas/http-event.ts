/** Events of an HTTP API or a function URL, which have the same form, as web-standard requests; and the answers back. */
import type { APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import { z } from "zod";
import { NcfError } from "../src/core/errors.ts";

const httpEventSchema = z.object({
  version: z.literal("2.0"),
  rawPath: z.string(),
  rawQueryString: z.string().default(""),
  headers: z.record(z.string(), z.string().optional()).default({}),
  requestContext: z.object({ http: z.object({ method: z.string() }) }),
  body: z.string().nullish(),
  isBase64Encoded: z.boolean().default(false),
});

/** @throws NcfError `EVENT_INVALID` */
export function requestOf(event: unknown): Request {
  const parsed = httpEventSchema.safeParse(event);
  if (!parsed.success) {
    throw new NcfError(
      "EVENT_INVALID",
      `expected an event of an HTTP API, format 2.0, ${z.prettifyError(parsed.error)}. Call the Lambda through its API or function URL`,
    );
  }
  const { rawPath, rawQueryString, headers: given, requestContext, body, isBase64Encoded } = parsed.data;
  const { method } = requestContext.http;
  const headers = new Headers();
  for (const [name, value] of Object.entries(given)) if (value !== undefined) headers.set(name, value);
  const query = rawQueryString === "" ? "" : `?${rawQueryString}`;
  // Which host a client calls the API by decides nothing.
  const url = `http://localhost${decodedPath(rawPath)}${query}`;
  const bodyless = method === "GET" || method === "HEAD" || body === null || body === undefined;
  return new Request(url, {
    method,
    headers,
    body: bodyless ? null : isBase64Encoded ? Buffer.from(body, "base64") : body,
  });
}

/** An HTTP API may have decoded the path before: then a % stands for itself, as ? and # do. */
function decodedPath(path: string): string {
  return path
    .replace(/%(?![0-9a-f]{2})/gi, "%25")
    .replaceAll("?", "%3F")
    .replaceAll("#", "%23");
}

export async function resultOf(response: Response, correlationId: string): Promise<APIGatewayProxyStructuredResultV2> {
  return {
    statusCode: response.status,
    headers: { ...Object.fromEntries(response.headers), "x-correlation-id": correlationId },
    body: await response.text(),
  };
}
