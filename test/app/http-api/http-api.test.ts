import { Validator } from "@seriousme/openapi-schema-validator";
import fc from "fast-check";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { MemoryInteractionLog } from "../../../src/adapters/local/memory-interaction-log.ts";
import { createHttpApi, type HttpApiDeps } from "../../../src/app/http-api/http-api.ts";
import type { ServedModel } from "../../../src/app/serving/served-model.ts";
import { ServiceHolder } from "../../../src/app/serving/service-holder.ts";
import { ReplayWindows } from "../../../src/app/windows-live/live-windows.ts";
import { NcfError } from "../../../src/core/errors.ts";
import type { WindowReport } from "../../../src/streaming/window-report.ts";
import { textItem, textUser, twoTastes } from "../serving/two-tastes.ts";
import { contractClient, type Fetch } from "./contract.ts";
import { reportWith } from "./window-reports.ts";

const now = 1_700_000_000_000;
let model: ServedModel;
let holder: ServiceHolder;
let troubles: unknown[];

const replayOf = (reports: readonly WindowReport[]) => new ReplayWindows("test", async () => reports);

function apiOf(changes: Partial<HttpApiDeps> = {}): Fetch {
  return createHttpApi({
    holder,
    windows: replayOf([]),
    closing: new AbortController().signal,
    nowMs: () => now,
    page: new Map([["/", { contentType: "text/html; charset=utf-8", body: "<!doctype html><title>page</title>" }]]),
    version: "1.2.3",
    onError: (error) => troubles.push(error),
    ...changes,
  });
}

beforeAll(async () => {
  model = await twoTastes();
});
beforeEach(async () => {
  holder = await ServiceHolder.open(model, new MemoryInteractionLog());
  troubles = [];
});

describe("routes", () => {
  it("GET /users/{id}/recommendations", async () => {
    const { ask } = await contractClient(apiOf());
    const answer = await ask("GET", "/users/1/recommendations?k=3");
    expect(answer).toMatchObject({ status: 200, body: { version: "v1", basis: "model" } });
    expect(answer.body).toHaveProperty("items.length", 3);
    expect((await ask("GET", "/users/1/recommendations")).body).toHaveProperty("items.length", 10);
    expect((await ask("GET", "/users/nobody/recommendations")).body).toMatchObject({ basis: "popularity" });
    const encoded = encodeURIComponent(textUser);
    expect((await ask("GET", `/users/${encoded}/recommendations`)).body).toMatchObject({ basis: "model" });
  });

  it("says why where explain asks for it, and nothing of it where it does not", async () => {
    const { ask } = await contractClient(apiOf());
    const plain = await ask("GET", "/users/1/recommendations?k=2&explain=false");
    const explained = await ask("GET", "/users/1/recommendations?k=2&explain=true");
    const because = expect.arrayContaining([
      { itemId: expect.any(String), title: expect.stringMatching(/^Red/), effect: expect.any(Number) },
    ]);
    expect(explained.body).toMatchObject({ items: [{ because, attributes: expect.any(Number) }, { because }] });
    const { items } = explained.body as { items: Record<string, unknown>[] };
    const bare = items.map(({ attributes: _attributes, because: _because, ...item }) => item);
    expect(plain.body).toEqual({ ...(explained.body as object), items: bare });
    const recent = { recentItems: ["2", textItem], k: 1, explain: true };
    expect((await ask("POST", "/recommendations", { body: recent })).body).toMatchObject({
      items: [{ because: [{ title: expect.stringMatching(/^Blue/) }, {}] }],
    });
    const nobody = (await ask("GET", "/users/nobody/recommendations?k=1&explain=true")).body;
    expect(nobody).toMatchObject({ basis: "popularity", items: [{ because: [], attributes: 0 }] });
    expect((await ask("GET", "/users/1/recommendations?explain=yes")).status).toBe(400);
  });

  it("GET /users/{id}/history", async () => {
    const { ask } = await contractClient(apiOf());
    expect((await ask("GET", "/users/1/history?limit=2")).body).toMatchObject({ userId: "1", known: true, total: 25 });
    expect((await ask("GET", "/users/nobody/history")).body).toEqual({
      userId: "nobody",
      known: false,
      total: 0,
      items: [],
    });
  });

  it("POST /recommendations", async () => {
    const { ask } = await contractClient(apiOf());
    const answer = await ask("POST", "/recommendations", { body: { recentItems: ["2", textItem], k: 1 } });
    expect(answer).toMatchObject({ status: 200, body: { basis: "foldIn", items: [{ genres: ["Comedy"] }] } });
    const known = await ask("POST", "/recommendations", { body: { userId: "1", recentItems: [] } });
    expect(known.body).toEqual((await ask("GET", "/users/1/recommendations")).body);
  });

  it("POST /scores", async () => {
    const { ask } = await contractClient(apiOf());
    const { body } = await ask("POST", "/scores", { body: { userId: "1", itemIds: ["3", "none"] } });
    expect(body).toMatchObject({ basis: "model", scores: [{ itemId: "3" }, { itemId: "none", score: null }] });
  });

  it("POST /interactions, one or a batch, which count at once", async () => {
    const { ask } = await contractClient(apiOf());
    expect((await ask("POST", "/interactions", { body: { userId: "new", itemId: "1" } })).body).toEqual({
      recorded: 1,
      repeats: 0,
      unknownItems: 0,
    });
    const batch = [
      { userId: "new", itemId: "1" },
      { userId: "new", itemId: "3", timestampMs: now - 5 },
      { userId: "new", itemId: "x" },
    ];
    expect((await ask("POST", "/interactions", { body: { interactions: batch } })).body).toEqual({
      recorded: 2,
      repeats: 1,
      unknownItems: 1,
    });
    expect((await ask("GET", "/users/new/history")).body).toMatchObject({
      items: [{ itemId: "x", timestampMs: now }, { itemId: "1" }, { itemId: "3", timestampMs: now - 5 }],
    });
    expect((await ask("GET", "/users/new/recommendations")).body).toMatchObject({ basis: "foldIn" });
  });

  it("GET /items, /users, /windows, /models/champion, /health", async () => {
    const windows = [reportWith({ startMs: 0, hrAt10: 0.5 }), reportWith({ startMs: 1, final: false })];
    const { ask } = await contractClient(apiOf({ windows: replayOf(windows) }));
    expect((await ask("GET", "/items?query=red%20film%203&limit=1")).body).toMatchObject({
      items: [{ itemId: "3", title: "Red film 3 (1990)" }],
    });
    expect((await ask("GET", "/users?limit=1")).body).toEqual({ users: [{ userId: "1", interactions: 25 }] });
    expect((await ask("GET", "/windows")).body).toEqual({ windows });
    expect((await ask("GET", "/models/champion")).body).toMatchObject({ version: "v1", name: "mf", published: null });
    expect((await ask("GET", "/health")).body).toEqual({ status: "ok", version: "v1" });
  });

  it("GET / gives the page, with headers that keep it to itself", async () => {
    const response = await apiOf()(new Request("http://test/"));
    expect(response.status).toBe(200);
    expect(await response.text()).toContain("<title>page</title>");
    expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(response.headers.get("access-control-allow-origin")).toBeNull();
  });

  it("HEAD answers like GET, without a body", async () => {
    const response = await apiOf()(new Request("http://test/health", { method: "HEAD" }));
    expect([response.status, await response.text()]).toEqual([200, ""]);
  });
});

describe("what is wrong with a request", () => {
  it.each([
    ["k of 0", "GET", "/users/1/recommendations?k=0", undefined, 400, "k"],
    ["k above 1000", "GET", "/users/1/recommendations?k=1001", undefined, 400, "k"],
    ["k that is no number", "GET", "/users/1/recommendations?k=ten", undefined, 400, "k"],
    ["k twice", "GET", "/users/1/recommendations?k=1&k=2", undefined, 400, "k"],
    ["an unknown field in the query", "GET", "/users/1/recommendations?count=3", undefined, 400, "count"],
    ["a field named __proto__", "GET", "/users/1/recommendations?__proto__=3", undefined, 400, "__proto__"],
    ["an id of 129 bytes", "GET", `/users/${"x".repeat(129)}/history`, undefined, 400, "id"],
    ["an id of 129 bytes in fewer characters", "GET", `/users/${"%C3%BC".repeat(65)}/history`, undefined, 400, "id"],
    ["no items", "POST", "/scores", { userId: "1" }, 400, "itemIds"],
    ["a number for an id", "POST", "/scores", { userId: "1", itemIds: ["1", 2] }, 400, "itemIds[1]"],
    ["too many items", "POST", "/scores", { userId: "1", itemIds: new Array(10_001).fill("1") }, 400, "itemIds"],
    ["a misspelt field", "POST", "/recommendations", { recentitems: [], recentItems: [] }, 400, "recentitems"],
    ["k above 1000 in a body", "POST", "/recommendations", { recentItems: [], k: 1001 }, 400, "k"],
    ["an empty batch", "POST", "/interactions", { interactions: [] }, 400, "interactions"],
    [
      "a batch of 1001",
      "POST",
      "/interactions",
      { interactions: new Array(1001).fill({ userId: "1", itemId: "1" }) },
      400,
      "interactions",
    ],
    [
      "an interaction without an item",
      "POST",
      "/interactions",
      { interactions: [{ userId: "1", itemId: "1" }, { userId: "1" }] },
      400,
      "interactions[1].itemId",
    ],
    [
      "a time to come",
      "POST",
      "/interactions",
      { userId: "1", itemId: "1", timestampMs: now + 60_001 },
      400,
      "timestampMs",
    ],
    ["an array for an object", "POST", "/interactions", [], 400, "body"],
    ["no JSON", "POST", "/interactions", "{", 400, "body"],
    ["no body", "POST", "/interactions", "", 400, "body"],
  ])("names the field: %s", async (_what, method, path, body, status, field) => {
    const { ask } = await contractClient(apiOf());
    const answer = await ask(method, path, body === undefined ? {} : { body });
    expect(answer).toMatchObject({ status, body: { errors: [{ field }] } });
    expect((answer.body as { detail: string }).detail).toContain(field);
  });

  it("is an unknown path: 404", async () => {
    const { ask } = await contractClient(apiOf());
    for (const path of [
      "/nothing",
      "/users/1",
      "/users//recommendations",
      "/assets/../x",
      "/users/1/recommendations/",
    ]) {
      expect(await ask("GET", path), path).toMatchObject({ status: 404 });
    }
  });

  it("is a wrong method: 405 with what is allowed", async () => {
    const { ask } = await contractClient(apiOf());
    const health = await ask("DELETE", "/health");
    expect([health.status, health.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
    const record = await ask("PUT", "/interactions", { body: {} });
    expect([record.status, record.headers.get("allow")]).toEqual([405, "POST"]);
    expect(await ask("POST", "/", { body: {} })).toMatchObject({ status: 405 });
    expect(await ask("OPTIONS", "/users/1/history")).toMatchObject({ status: 405 });
  });

  it("is another content type: 415", async () => {
    const { ask } = await contractClient(apiOf());
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/jsonp"]) {
      const headers = { "Content-Type": type };
      expect(await ask("POST", "/interactions", { body: { userId: "1", itemId: "1" }, headers })).toMatchObject({
        status: 415,
      });
    }
    const headers = { "Content-Type": "Application/JSON; charset=utf-8" };
    expect(await ask("POST", "/scores", { body: { userId: "1", itemIds: [] }, headers })).toMatchObject({
      status: 200,
    });
  });

  it("is a body above 256 KB: 413, whether its length is said or not, and no more of it is read", async () => {
    const { ask } = await contractClient(apiOf());
    const large = JSON.stringify({ userId: "1", itemIds: ["x".repeat(256 * 1024)] });
    expect(await ask("POST", "/scores", { body: large })).toMatchObject({ status: 413 });
    let chunks = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        chunks += 1;
        controller.enqueue(new Uint8Array(64 * 1024).fill(32));
      },
    });
    const request = new Request("http://test/scores", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: endless,
      duplex: "half",
    });
    expect((await apiOf()(request)).status).toBe(413);
    expect(chunks).toBeLessThan(10);
  });

  it("is an address or a body that is no UTF-8: 400", async () => {
    const { ask } = await contractClient(apiOf());
    for (const path of ["/users/%zz/history", "/users/%ff/history", "/items?query=%c3", "/%", "/items?%=1"]) {
      expect(await ask("GET", path), path).toMatchObject({ status: 400 });
    }
    const request = new Request("http://test/scores", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: Uint8Array.of(0x22, 0xff, 0x22),
    });
    expect((await apiOf()(request)).status).toBe(400);
  });

  it("is nothing when the service is at fault: 500 without a detail, and the log is told", async () => {
    const fault = new Error("a secret path");
    const windows = new ReplayWindows("test", () => Promise.reject(fault));
    const response = await apiOf({ windows })(new Request("http://test/windows"));
    expect(response.status).toBe(500);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(await response.text()).not.toContain("secret");
    expect(troubles).toEqual([fault]);
  });
});

it("asks to come back where the log of interactions does not answer, and the log is told", async () => {
  const away = new NcfError("LOG_UNAVAILABLE", "expected brokers that answer, found silence", { retriable: true });
  const log = new MemoryInteractionLog();
  const failing = await ServiceHolder.open(model, log);
  log.append = () => Promise.reject(away);
  const { ask } = await contractClient(apiOf({ holder: failing }));
  const answer = await ask("POST", "/interactions", { body: { userId: "1", itemId: "new" } });
  expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "5"]);
  expect(troubles).toEqual([away]);
});

describe("hostile input", () => {
  const hostileText = fc.oneof(
    fc.string({ unit: "binary", maxLength: 200 }),
    fc.string({ unit: "grapheme", maxLength: 80 }),
    fc.constantFrom("..", "%", "%00", "__proto__", "constructor", "../../etc/passwd", "1e3", "-0", "9007199254740993"),
  );
  const segment = hostileText.map((text) => encodeURIComponent(text));
  const path = fc.oneof(
    fc.tuple(segment, fc.constantFrom("recommendations", "history")).map(([id, what]) => `/users/${id}/${what}`),
    fc.constantFrom("/users", "/items", "/recommendations", "/scores", "/interactions", "/windows", "/health", "/"),
    fc.array(segment, { maxLength: 4 }).map((parts) => `/${parts.join("/")}`),
    hostileText.map((text) => `/${text}`),
  );
  const query = fc.oneof(
    fc.constant(""),
    fc
      .tuple(fc.constantFrom("k", "limit", "query", "prefix", "x"), hostileText)
      .map(([name, text]) => `?${name}=${encodeURIComponent(text)}`),
    hostileText.map((text) => `?${text}`),
  );
  const body = fc.oneof(
    fc.json(),
    hostileText,
    fc
      .record(
        {
          userId: fc.oneof(hostileText, fc.jsonValue()),
          itemId: fc.oneof(hostileText, fc.jsonValue()),
          timestampMs: fc.oneof(fc.integer(), fc.double(), fc.jsonValue()),
          recentItems: fc.oneof(fc.array(hostileText), fc.jsonValue()),
          itemIds: fc.oneof(fc.array(hostileText), fc.jsonValue()),
          k: fc.oneof(fc.integer(), fc.jsonValue()),
          interactions: fc.jsonValue(),
        },
        { requiredKeys: [] },
      )
      .map((value) => JSON.stringify(value)),
  );

  it("never gives a 500, and always a problem where it gives no answer", async () => {
    const { ask } = await contractClient(apiOf());
    await fc.assert(
      fc.asyncProperty(path, query, fc.option(body, { nil: undefined }), async (where, asked, sent) => {
        if (!URL.canParse(`http://test${where}${asked}`) || new URL(`http://test${where}${asked}`).pathname === "/")
          return;
        const method = sent === undefined ? "GET" : "POST";
        const { status } = await ask(method, `${where}${asked}`, sent === undefined ? {} : { body: sent });
        expect([200, 400, 404, 405, 413]).toContain(status);
      }),
      { numRuns: 1500 },
    );
    expect(troubles).toEqual([]);
  });

  it("of the right form is answered, whatever the ids", async () => {
    const { ask } = await contractClient(apiOf());
    const id = fc
      .string({ unit: "binary", minLength: 1, maxLength: 40 })
      .filter((text) => Buffer.byteLength(text) <= 128 && text !== "." && text !== "..");
    await fc.assert(
      fc.asyncProperty(id, id, async (userId, itemId) => {
        const user = encodeURIComponent(userId);
        expect((await ask("POST", "/interactions", { body: { userId, itemId } })).status).toBe(200);
        const { body } = await ask("GET", `/users/${user}/history`);
        expect(body).toMatchObject({ userId, known: true });
        expect((await ask("GET", `/users/${user}/recommendations?k=1`)).status).toBe(200);
        expect((await ask("POST", "/scores", { body: { userId, itemIds: [itemId] } })).status).toBe(200);
      }),
      { numRuns: 150 },
    );
    expect(troubles).toEqual([]);
  });
});

describe("a swap of the model", () => {
  it("while requests run gives each of them one version, and keeps what was recorded", async () => {
    const { ask } = await contractClient(apiOf());
    const versions: string[] = [];
    const asking = Array.from({ length: 8 }, async (_, client) => {
      for (let i = 0; i < 25; i++) {
        await ask("POST", "/interactions", { body: { userId: `u${client}`, itemId: String(i + 1) } });
        const { body } = await ask("GET", `/users/u${client}/recommendations?k=100`);
        const { version, basis, items } = body as { version: string; basis: string; items: { itemId: string }[] };
        expect(basis).toBe("foldIn");
        expect(items).toHaveLength(80 - i - 1);
        versions.push(version);
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
    for (let n = 2; n <= 6; n++) {
      await new Promise((resolve) => setImmediate(resolve));
      holder.swap({ ...model, version: `v${n}` });
    }
    await Promise.all(asking);
    expect(new Set(versions).size).toBeGreaterThan(1);
    expect((await ask("GET", "/users/u3/history")).body).toMatchObject({ total: 25 });
    expect((await ask("GET", "/health")).body).toMatchObject({ version: "v6" });
  });
});

describe("the OpenAPI document", () => {
  it("is valid, and lists every route", async () => {
    const { document } = await contractClient(apiOf());
    const { valid, errors } = await new Validator().validate(structuredClone(document) as never);
    expect(errors).toBeUndefined();
    expect(valid).toBe(true);
    expect(document).toMatchObject({ openapi: "3.1.0", info: { version: "1.2.3" } });
    const listed = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(listed).toEqual([
      "GET /users/{id}/recommendations",
      "GET /users/{id}/history",
      "POST /recommendations",
      "POST /scores",
      "POST /interactions",
      "GET /items",
      "GET /users",
      "GET /windows",
      "GET /windows/live",
      "GET /models/champion",
      "GET /health",
    ]);
  });

  it("says what a request takes", async () => {
    const { document } = await contractClient(apiOf());
    expect(document.paths["/users/{id}/recommendations"].get).toMatchObject({
      parameters: [
        { name: "id", in: "path", required: true, schema: { type: "string", minLength: 1, maxLength: 128 } },
        {
          name: "k",
          in: "query",
          required: false,
          schema: { type: "integer", minimum: 1, maximum: 1000, default: 10 },
        },
        { name: "explain", in: "query", required: false, schema: { type: "boolean", default: false } },
      ],
    });
    expect(document).toHaveProperty("components.schemas.Interaction.required", ["userId", "itemId"]);
  });
});
