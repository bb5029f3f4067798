/** GET /windows/live, through the whole API, and over a real connection. */
import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { startHttpServer } from "../../../src/adapters/local/http-server.ts";
import { MemoryInteractionLog } from "../../../src/adapters/local/memory-interaction-log.ts";
import { createHttpApi } from "../../../src/app/http-api/http-api.ts";
import { ServiceHolder } from "../../../src/app/serving/service-holder.ts";
import type { LatestWindows } from "../../../src/app/windows-live/latest-windows.ts";
import { streamWindows } from "../../../src/app/windows-live/live-windows.ts";
import { twoTastes } from "../serving/two-tastes.ts";
import type { Fetch } from "./contract.ts";
import { contractClient } from "./contract.ts";
import { reportWith } from "./window-reports.ts";

interface Event {
  readonly event: string;
  readonly id: string | undefined;
  readonly data: Record<string, unknown>;
}

let latest: LatestWindows;
let closing: AbortController;
let api: Fetch;
const model = await twoTastes();

beforeEach(async () => {
  latest = streamWindows("one");
  closing = new AbortController();
  api = await apiOf(latest);
});
afterEach(() => {
  closing.abort();
  vi.useRealTimers();
});

async function apiOf(windows: LatestWindows): Promise<Fetch> {
  return createHttpApi({
    holder: await ServiceHolder.open(model, new MemoryInteractionLog()),
    windows: { latest: async () => windows },
    closing: closing.signal,
    nowMs: () => 0,
    page: new Map(),
    version: "1.2.3",
    onError: (error) => expect.fail(String(error)),
  });
}

/** Reads a stream event by event. */
class Client {
  readonly response: Response;
  readonly #reader: ReadableStreamDefaultReader<string>;
  #text = "";
  comments = 0;

  static async open(fetchFrom: Fetch, headers: Record<string, string> = {}): Promise<Client> {
    return new Client(await fetchFrom(new Request("http://test/windows/live", { headers })));
  }

  constructor(response: Response) {
    this.response = response;
    this.#reader = (response.body as ReadableStream).pipeThrough(new TextDecoderStream()).getReader();
  }

  /** The next event; null at the end. */
  async next(): Promise<Event | null> {
    for (;;) {
      const end = this.#text.indexOf("\n\n");
      if (end < 0) {
        const { done, value } = await this.#reader.read();
        if (done) return null;
        this.#text += value;
        continue;
      }
      const lines = this.#text.slice(0, end).split("\n");
      this.#text = this.#text.slice(end + 2);
      const field = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
      if (lines[0].startsWith(":")) this.comments += 1;
      const event = field("event");
      if (event !== undefined) return { event, id: field("id"), data: JSON.parse(field("data") ?? "null") };
    }
  }

  async take(count: number): Promise<Event[]> {
    const events: Event[] = [];
    while (events.length < count) events.push((await this.next()) as Event);
    return events;
  }

  leave(): Promise<void> {
    return this.#reader.cancel();
  }
}

const startsOf = (events: readonly Event[]) => events.map(({ data }) => data.startMs);

describe("GET /windows/live", () => {
  it("sends what is known, then each change, and says whether it is being read", async () => {
    latest.onReport(reportWith({ startMs: 1, hrAt10: 0.5 }));
    const client = await Client.open(api);
    expect(client.response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    expect(client.response.headers.get("cache-control")).toBe("no-store");
    expect(client.response.headers.get("x-accel-buffering")).toBe("no");
    expect(await client.take(3)).toMatchObject([
      { event: "start", data: { source: "stream" } },
      { event: "reading", data: { reading: false } },
      { event: "window", id: expect.any(String), data: { startMs: 1, hrAt10: 0.5 } },
    ]);
    const next = client.next();
    latest.onReading(true);
    expect(await next).toMatchObject({ event: "reading", data: { reading: true } });
    latest.onReport(reportWith({ startMs: 2, final: false }));
    expect(await client.next()).toMatchObject({ event: "window", data: { startMs: 2, final: false } });
    latest.onReset();
    latest.onReport(reportWith({ startMs: 3 }));
    expect((await client.take(3)).map(({ event }) => event)).toEqual(["start", "reading", "window"]);
    await client.leave();
  });

  it("goes on after Last-Event-ID, and starts over where another process sent that", async () => {
    for (let startMs = 0; startMs < 120; startMs++) latest.onReport(reportWith({ startMs }));
    const client = await Client.open(api);
    const taken = await client.take(62);
    await client.leave();
    for (const startMs of [3, 200]) latest.onReport(reportWith({ startMs, revision: 1 }));
    const again = await Client.open(api, { "Last-Event-ID": taken.at(-1)?.id ?? "" });
    const [first, ...windows] = await again.take(63);
    expect(first.event).toBe("reading");
    expect(startsOf(windows)).toEqual([...Array.from({ length: 60 }, (_, i) => 60 + i), 3, 200]);
    await again.leave();
    const restarted = streamWindows("two");
    restarted.onReport(reportWith({ startMs: 7 }));
    const other = await Client.open(await apiOf(restarted), { "Last-Event-ID": taken.at(-1)?.id ?? "" });
    expect((await other.take(3)).map(({ event }) => event)).toEqual(["start", "reading", "window"]);
    await other.leave();
  });

  it("makes nothing for a client that does not read, and gives it the latest of each window then", async () => {
    const client = await Client.open(api);
    await client.take(2);
    for (let i = 0; i < 5000; i++) latest.onReport(reportWith({ startMs: i % 3, cases: i }));
    const events = await client.take(3);
    // The first of them may have been on its way before.
    const cases = events.map(({ data }) => data.cases);
    expect(cases.slice(-2)).toEqual([4998, 4999]);
    await client.leave();
  });

  it("shows by a comment every 15 s that the connection lives", async () => {
    vi.useFakeTimers();
    const client = await Client.open(api);
    await client.take(2);
    const next = client.next();
    await vi.advanceTimersByTimeAsync(50_000);
    latest.onReport(reportWith({ startMs: 1 }));
    await next;
    expect(client.comments).toBe(3);
    await client.leave();
  });

  it("takes 200 clients, then says when to come back, and has room again when one leaves", async () => {
    const clients = await Promise.all(Array.from({ length: 200 }, () => Client.open(api)));
    await Promise.all(clients.map((client) => client.take(2)));
    const { ask } = await contractClient(api);
    const refused = await ask("GET", "/windows/live");
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "30"]);
    // Asking for the head alone takes no place.
    expect((await api(new Request("http://test/windows/live", { method: "HEAD" }))).status).toBe(200);
    await clients[0].leave();
    clients[0] = await Client.open(api);
    expect(clients[0].response.status).toBe(200);
    closing.abort();
    const ends = await Promise.all(clients.slice(1).map((client) => client.next()));
    expect(new Set(ends)).toEqual(new Set([null]));
  });

  it("names what is wrong with a request, and GET /windows answers from the same windows", async () => {
    const { ask, document } = await contractClient(api);
    expect(await ask("GET", "/windows/live?x=1")).toMatchObject({ status: 400, body: { errors: [{ field: "x" }] } });
    const headers = { "Last-Event-ID": "x".repeat(201) };
    expect(await ask("GET", "/windows/live", { headers })).toMatchObject({ status: 400 });
    expect(await ask("POST", "/windows/live", { body: {} })).toMatchObject({ status: 405 });
    expect(document.paths["/windows/live"].get).toMatchObject({
      parameters: [{ name: "Last-Event-ID", in: "header", required: false }],
      responses: { 200: { content: { "text/event-stream": { schema: { type: "string" } } } } },
    });
    for (const startMs of [2, 1]) latest.onReport(reportWith({ startMs }));
    expect((await ask("GET", "/windows")).body).toMatchObject({ windows: [{ startMs: 1 }, { startMs: 2 }] });
  });
});

describe("GET /windows/live over HTTP", () => {
  it("sends events as they come, and does not hold up the end of the service", async () => {
    const server = await startHttpServer(api, { port: 0, onError: (error) => expect.fail(String(error)) });
    const client = new Client(await fetch(`${server.url}/windows/live`));
    await client.take(2);
    latest.onReport(reportWith({ startMs: 1 }));
    expect(await client.next()).toMatchObject({ event: "window", data: { startMs: 1 } });
    const started = performance.now();
    closing.abort();
    await server.close();
    expect(performance.now() - started).toBeLessThan(3000);
    expect(await client.next()).toBeNull();
  });

  it("keeps nothing for clients that take nothing, and their places become free when they leave", async () => {
    const server = await startHttpServer(api, { port: 0, closeWithinMs: 100, onError: () => {} });
    const port = Number(new URL(server.url).port);
    const deaf = await Promise.all(
      Array.from(
        { length: 200 },
        () =>
          new Promise<ReturnType<typeof connect>>((resolve) => {
            const socket = connect(port, "127.0.0.1", () => {
              socket.pause();
              socket.write("GET /windows/live HTTP/1.1\r\nHost: localhost\r\n\r\n", () => resolve(socket));
            });
          }),
      ),
    );
    const refused = async () => (await fetch(`${server.url}/windows/live`, { method: "GET" })).status === 503;
    await expect.poll(refused).toBe(true);
    const before = process.memoryUsage().rss;
    for (let round = 0; round < 2000; round++) {
      for (let startMs = 0; startMs < 5; startMs++) latest.onReport(reportWith({ startMs, cases: round }));
      if (round % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    // Each client would have been sent 30 MB.
    expect(process.memoryUsage().rss - before).toBeLessThan(300e6);
    for (const socket of deaf) socket.destroy();
    await expect.poll(refused, { timeout: 5000 }).toBe(false);
    closing.abort();
    await server.close();
  });
});
