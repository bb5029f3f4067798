import { Agent, request } from "node:http";
import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { type HttpServer, type HttpServerOptions, startHttpServer } from "../../../src/adapters/local/http-server.ts";

const open: HttpServer[] = [];
const troubles: unknown[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
  expect(troubles.splice(0)).toEqual([]);
});

async function start(
  handle: (request: Request) => Promise<Response>,
  options: Partial<HttpServerOptions> = {},
): Promise<HttpServer> {
  const server = await startHttpServer(handle, { port: 0, onError: (error) => troubles.push(error), ...options });
  open.push(server);
  return server;
}

const echo = async (received: Request): Promise<Response> =>
  Response.json({
    method: received.method,
    url: received.url,
    sent: received.headers.get("x-sent"),
    body: await received.text(),
  });

/** What the server writes to a client that writes `text`. */
function raw(url: string, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), "127.0.0.1", () => socket.write(text));
    let answer = "";
    socket.on("data", (chunk) => {
      answer += chunk;
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(answer));
  });
}

describe("the HTTP server", () => {
  describe("answers under names", () => {
    const statusOf = async (url: string, host: string) =>
      Number(
        /^HTTP\/1\.1 (\d+)/.exec(await raw(url, `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`))?.[1],
      );

    it("of this machine alone, where it listens there: not under one that another site has point here", async () => {
      const { url } = await start(echo);
      const { host } = new URL(url);
      for (const own of [host, "localhost", "LOCALHOST:80", "movies.localhost", "[::1]:8080", "127.0.0.2"]) {
        expect(await statusOf(url, own), own).toBe(200);
      }
      for (const other of ["evil.example", "127.0.0.1.evil.example:80", "localhost.evil.example", ""]) {
        expect(await statusOf(url, other), other).toBe(421);
      }
      const refused = await raw(url, "POST / HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 2\r\n\r\nab");
      expect(refused).toContain('one of --allow-name, found "evil.example"');
    });

    it("that it was given, too", async () => {
      const { url } = await start(echo, { names: ["Movies.example.com"] });
      expect(await statusOf(url, "movies.example.com:443")).toBe(200);
      expect(await statusOf(url, "localhost")).toBe(200);
      expect(await statusOf(url, "example.com")).toBe(421);
    });

    it("of any kind, where it listens for the whole network and was given none", async () => {
      const { url } = await start(echo, { host: "0.0.0.0" });
      expect(await statusOf(url, "movies.example.com")).toBe(200);
    });
  });

  it("hands requests over and writes responses back", async () => {
    const { url } = await start(echo);
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const answer = await fetch(`${url}/a%20b?x=1`, {
      method: "POST",
      body: "ü".repeat(70_000),
      headers: { "X-Sent": "y" },
    });
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(await answer.json()).toEqual({
      method: "POST",
      url: "http://localhost/a%20b?x=1",
      sent: "y",
      body: "ü".repeat(70_000),
    });
    const head = await fetch(url, { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
  });

  it("answers a refused body that goes on, and closes that connection", async () => {
    const { url } = await start(async () => new Response("no", { status: 413 }));
    const answer = await fetch(url, { method: "POST", body: "x".repeat(5_000_000) });
    expect([answer.status, answer.headers.get("connection")]).toEqual([413, "close"]);
  });

  it("refuses what is no address here, and survives what is no HTTP", async () => {
    const { url } = await start(echo);
    expect(await raw(url, "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n")).toMatch(/^HTTP\/1\.1 400/);
    expect(await raw(url, "GET http://elsewhere/ HTTP/1.1\r\nHost: localhost\r\n\r\n")).toMatch(/^HTTP\/1\.1 400/);
    expect(await raw(url, "nonsense\r\n\r\n")).toMatch(/^HTTP\/1\.1 400/);
    expect(await raw(url, "GET //evil/path HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")).toContain(
      "http://localhost//evil/path",
    );
    expect((await fetch(url)).status).toBe(200);
  });

  it("lets requests in flight finish when it closes, takes no new ones, and drops idle connections", async () => {
    let release = (): void => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    let entered = (): void => {};
    const inFlight = new Promise<void>((resolve) => {
      entered = resolve;
    });
    const server = await start(async (received) => {
      if (!received.url.endsWith("/slow")) return new Response("fast");
      entered();
      await released;
      return new Response("done");
    });
    const agent = new Agent({ keepAlive: true });
    await new Promise((resolve) =>
      request(`${server.url}/fast`, { agent }, (res) => res.resume().on("end", resolve)).end(),
    );
    const slow = fetch(`${server.url}/slow`);
    await inFlight;
    let closed = false;
    const closing = server.close().then(() => {
      closed = true;
    });
    await expect(fetch(server.url)).rejects.toThrow();
    expect(closed).toBe(false);
    release();
    const answer = await slow;
    expect([answer.headers.get("connection"), await answer.text()]).toEqual(["close", "done"]);
    await closing;
    agent.destroy();
  });

  it("writes events as they come, and lets go of them when the client leaves or the stream ends", async () => {
    let [push, cancelled]: [(text: string | null) => void, number] = [() => {}, 0];
    const encoder = new TextEncoder();
    const server = await start(async () => {
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          push = (text) => (text === null ? controller.close() : controller.enqueue(encoder.encode(text)));
        },
        cancel: () => {
          cancelled += 1;
        },
      });
      return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
    });
    const leave = new AbortController();
    const first = await fetch(server.url, { signal: leave.signal });
    const reader = (first.body as ReadableStream<Uint8Array>).getReader();
    for (const text of ["data: 1\n\n", "data: 2\n\n"]) {
      push(text);
      expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe(text);
    }
    expect(first.headers.get("content-length")).toBeNull();
    leave.abort();
    await expect.poll(() => cancelled).toBe(1);
    const second = await fetch(server.url);
    push("data: 3\n\n");
    push(null);
    expect(await second.text()).toBe("data: 3\n\n");
    // Its connection is not kept, so nothing holds up the end.
    const started = performance.now();
    await server.close();
    expect(performance.now() - started).toBeLessThan(3000);
    expect(cancelled).toBe(1);
  });

  it("closes in bounded time whatever hangs", async () => {
    const server = await start(() => new Promise<Response>(() => {}), { closeWithinMs: 100 });
    const hanging = fetch(server.url);
    hanging.catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 50));
    const started = performance.now();
    await server.close();
    expect(performance.now() - started).toBeLessThan(2_000);
    await expect(hanging).rejects.toThrow();
  });

  it("says what to do when the port is taken, or the address is nobody's here", async () => {
    const { url } = await start(echo);
    const port = Number(new URL(url).port);
    await expect(start(echo, { port })).rejects.toMatchObject({
      code: "PORT_IN_USE",
      message: expect.stringContaining("--port"),
    });
    await expect(start(echo, { host: "192.0.2.1" })).rejects.toMatchObject({ code: "ADDRESS_UNUSABLE" });
  });

  it("drops the connection of a request whose handler fails, and says so", async () => {
    const { url } = await start(async () => {
      throw new Error("a handler that fails");
    });
    await expect(fetch(url)).rejects.toThrow();
    expect(troubles.splice(0)).toHaveLength(1);
  });
});
