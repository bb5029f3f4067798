import { beforeAll, describe, expect, it } from "vitest";
import { createHandler } from "../../lambdas/score.ts";
import { MemoryInteractionLog } from "../../src/adapters/local/memory-interaction-log.ts";
import { OpenedService } from "../../src/app/serving/opened-service.ts";
import type { ServedModel } from "../../src/app/serving/served-model.ts";
import { ServiceHolder } from "../../src/app/serving/service-holder.ts";
import { ReplayWindows } from "../../src/app/windows-live/live-windows.ts";
import { NcfError } from "../../src/core/errors.ts";
import { reportWith } from "../app/http-api/window-reports.ts";
import { textUser, twoTastes } from "../app/serving/two-tastes.ts";
import { context, httpEvent, keeping } from "./invocation.ts";

let model: ServedModel;
beforeAll(async () => {
  model = await twoTastes();
});

const windows = new ReplayWindows("test", async () => [reportWith({ startMs: 5 })]);

function world(open = async () => ServiceHolder.open(model, new MemoryInteractionLog())) {
  const observer = keeping();
  const handler = createHandler({ service: new OpenedService(open), windows, version: "1.2.3", observer });
  const ask = async (event: object) => {
    const { statusCode, headers = {}, body = "" } = await handler(event, context);
    return { status: statusCode, headers, body: body.startsWith("{") ? JSON.parse(body) : body };
  };
  return { ask, observer };
}

describe("the API in a Lambda", () => {
  it("answers as ncf serve does", async () => {
    const { ask, observer } = world();
    const answer = await ask(httpEvent("GET", "/users/1/recommendations", { query: "k=3" }));
    expect(answer).toMatchObject({
      status: 200,
      headers: { "content-type": "application/json", "x-correlation-id": "api-request-1" },
      body: { version: "v1", basis: "model" },
    });
    expect(answer.body.items).toHaveLength(3);
    const scored = httpEvent("POST", "/scores", { body: { userId: "1", itemIds: ["3"] } });
    expect((await ask(scored)).body).toMatchObject({ scores: [{ itemId: "3" }] });
    const base64 = { ...scored, body: btoa(JSON.stringify({ userId: "1", itemIds: ["5"] })), isBase64Encoded: true };
    expect((await ask(base64)).body).toMatchObject({ scores: [{ itemId: "5" }] });
    expect((await ask(httpEvent("GET", "/windows"))).body).toMatchObject({ windows: [{ startMs: 5 }] });
    expect((await ask(httpEvent("GET", "/health"))).body).toEqual({ status: "ok", version: "v1" });
    expect(observer.events[0]).toMatchObject({
      event: "requestAnswered",
      method: "GET",
      path: "/users/{id}/recommendations",
      status: 200,
    });
  });

  it("finds a user whether the path came encoded or not", async () => {
    const { ask } = world();
    const encoded = `/users/${encodeURIComponent(textUser)}/history`;
    expect((await ask(httpEvent("GET", encoded))).body).toMatchObject({ userId: textUser, known: true });
    expect((await ask(httpEvent("GET", "/users/zoë 100%?#/history"))).body).toMatchObject({ userId: "zoë 100%?#" });
  });

  it("offers neither interactions nor events, and answers what is wrong as problems", async () => {
    const { ask } = world();
    for (const [method, path, status] of [
      ["POST", "/interactions", 404],
      ["GET", "/windows/live", 404],
      ["DELETE", "/health", 405],
      ["GET", "/users/1/recommendations?", 404],
    ] as const) {
      const { status: found, headers, body } = await ask(httpEvent(method, path));
      expect([path, found, headers["content-type"]]).toEqual([path, status, "application/problem+json"]);
      expect(body).toMatchObject({ status });
    }
    const { paths } = (await ask(httpEvent("GET", "/openapi.json"))).body;
    expect(Object.keys(paths)).not.toContain("/interactions");
    expect(await ask(httpEvent("GET", "/users/1/recommendations", { query: "k=0" }))).toMatchObject({ status: 400 });
    expect(await ask({ not: "a request" })).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining("HTTP API") },
    });
  });

  it("takes the caller's correlation id where it is a plain one", async () => {
    const { ask } = world();
    const idOf = async (id: string) =>
      (await ask(httpEvent("GET", "/health", { headers: { "x-correlation-id": id } }))).headers["x-correlation-id"];
    expect(await idOf("order-17")).toBe("order-17");
    expect(await idOf("or\u00e9der\n17")).toBe("api-request-1");
  });

  it("answers 503 while there is no model, and looks again with the next request", async () => {
    let trained = false;
    const { ask, observer } = world(async () => {
      if (!trained) throw new NcfError("NO_CHAMPION", "expected a champion, found none");
      return ServiceHolder.open(model, new MemoryInteractionLog());
    });
    const early = await ask(httpEvent("GET", "/users/1/recommendations"));
    expect(early).toMatchObject({
      status: 503,
      headers: { "retry-after": "5" },
      body: { detail: expect.stringMatching(/no model/) },
    });
    expect(observer.events).toMatchObject([{ event: "requestUnanswered", status: 503 }]);
    trained = true;
    expect(await ask(httpEvent("GET", "/users/1/recommendations"))).toMatchObject({ status: 200 });
  });

  it("answers before its time is over", async () => {
    const observer = keeping();
    const service = { serviceFor: () => new Promise<never>(() => {}) };
    const handler = createHandler({ service, windows, version: "1", observer });
    const hasty = { ...context, getRemainingTimeInMillis: () => 600 };
    expect(await handler(httpEvent("GET", "/health"), hasty)).toMatchObject({
      statusCode: 503,
      headers: { "content-type": "application/problem+json", "retry-after": "5" },
    });
    // An alarm counts the second.
    expect(observer.events).toEqual([{ event: "timedOut" }, { event: "requestUnanswered", status: 503 }]);
  });
});
