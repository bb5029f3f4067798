/** Checks answers against the API's own OpenAPI document. */
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect } from "vitest";

interface ApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly responses: object }>>>>;
}

export type Fetch = (request: Request) => Promise<Response>;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

/** A client that fails the test where an answer is not as the document says, or is the server's fault. */
export async function contractClient(api: Fetch) {
  const document = (await (await api(new Request("http://test/openapi.json"))).json()) as ApiDocument;
  const ajv = new Ajv2020({ strict: false });
  ajv.addSchema(document, "api");

  const checkBody = (status: number, method: string, path: string, body: unknown): void => {
    const template = templateOf(Object.keys(document.paths), path);
    const [key, type] =
      status === 200 ? ["200", "application/json"] : [`${String(status)[0]}XX`, "application/problem+json"];
    if (template === undefined || document.paths[template][method.toLowerCase()] === undefined) {
      expect(status).toBeGreaterThanOrEqual(400);
      return;
    }
    const pointer = ["paths", template, method.toLowerCase(), "responses", key, "content", type, "schema"]
      .map((part) => encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1")))
      .join("/");
    const validate = ajv.getSchema(`api#/${pointer}`);
    expect(validate, pointer).toBeDefined();
    expect(validate?.(body), JSON.stringify(validate?.errors)).toBe(true);
  };

  return {
    document,
    async ask(method: string, path: string, init: { body?: unknown; headers?: Record<string, string> } = {}) {
      const response = await api(
        new Request(`http://test${path}`, {
          method,
          headers: { ...(init.body !== undefined && { "Content-Type": "application/json" }), ...init.headers },
          ...(init.body !== undefined && {
            body: typeof init.body === "string" ? init.body : JSON.stringify(init.body),
          }),
        }),
      );
      expect(response.status, await response.clone().text()).not.toBe(500);
      const body: unknown = await response.json();
      if (response.status >= 400) {
        expect(response.headers.get("content-type")).toBe("application/problem+json");
        expect(body).toMatchObject({ type: "about:blank", status: response.status, detail: expect.any(String) });
      }
      checkBody(response.status, method, new URL(response.url || `http://test${path}`).pathname, body);
      return { status: response.status, headers: response.headers, body } satisfies Answer;
    },
  };
}

function templateOf(templates: readonly string[], path: string): string | undefined {
  return templates.find((template) => new RegExp(`^${template.replace(/\{\w+\}/g, "[^/]+")}$`).test(path));
}
