/** Window reports as server-sent events, for a bounded number of clients, each at its own pace. */
import type { LatestWindows, WindowChanges } from "../windows-live/latest-windows.ts";
import type { LiveWindows } from "../windows-live/live-windows.ts";
import { HttpProblem } from "./problem.ts";

const mostClients = 200;
const heartbeatMs = 15_000;
/** After which a client whose connection broke comes back. */
const retryMs = 2000;
/** Windows that are written at once: a few hundred KB that a slow client keeps waiting at most. */
const windowsAtOnce = 50;

const encoder = new TextEncoder();

export class WindowStreams {
  readonly #windows: LiveWindows;
  readonly #closing: AbortSignal;
  /** One for each client that is there; ends its stream. */
  readonly #open = new Set<AbortController>();

  constructor(windows: LiveWindows, closing: AbortSignal) {
    this.#windows = windows;
    this.#closing = closing;
    // One listener for all: those of AbortSignal.any would stay with a signal that lives as long as the service.
    closing.addEventListener("abort", () => {
      for (const client of this.#open) client.abort();
    });
  }

  /**
   * @param lastEventId what the client took last, null for nothing
   * @throws HttpProblem 503 when there are too many clients
   */
  async open(lastEventId: string | null): Promise<ReadableStream<Uint8Array>> {
    const latest = await this.#windows.latest();
    if (this.#open.size >= mostClients) {
      const message = `expected at most ${mostClients} clients that follow the windows, found one more: come back later, or ask GET /windows`;
      throw new HttpProblem(503, message, { headers: { "Retry-After": "30" } });
    }
    const client = new AbortController();
    this.#open.add(client);
    client.signal.addEventListener("abort", () => this.#open.delete(client));
    if (this.#closing.aborted) client.abort();
    const follower = new Follower(latest, lastEventId);
    return new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          const text = await follower.next(client.signal);
          if (text === null) controller.close();
          else controller.enqueue(encoder.encode(text));
        },
        cancel: () => client.abort(),
      },
      // Nothing is made before the client has room for it.
      { highWaterMark: 0 },
    );
  }
}

/** What one client gets. */
class Follower {
  readonly #latest: LatestWindows;
  #cursor: string | null;
  #greeted = false;
  #reading: boolean | null = null;

  constructor(latest: LatestWindows, lastEventId: string | null) {
    this.#latest = latest;
    this.#cursor = lastEventId;
  }

  /** The next events, or a sign of life when nothing happens; null in the end. */
  async next(ended: AbortSignal): Promise<string | null> {
    if (ended.aborted) return null;
    const text = this.#news();
    if (text !== "") return text;
    await this.#latest.nextChange(heartbeatMs, ended);
    return ended.aborted ? null : this.#news() || ": nothing new\n\n";
  }

  /** What the client does not know yet; "" for nothing. */
  #news(): string {
    const parts: string[] = [];
    if (!this.#greeted) parts.push(`retry: ${retryMs}\n\n`);
    this.#greeted = true;
    const changed = this.#latest.changesAfter(this.#cursor);
    if (changed.fromStart) parts.push(event("start", { source: this.#latest.source }, this.#latest.startCursor));
    if (changed.fromStart || this.#reading !== this.#latest.reading) {
      this.#reading = this.#latest.reading;
      parts.push(event("reading", { reading: this.#reading }));
    }
    return parts.join("") + this.#changes(changed);
  }

  #changes({ fromStart, changes }: WindowChanges): string {
    const sent = changes.slice(0, windowsAtOnce);
    if (fromStart) this.#cursor = this.#latest.startCursor;
    this.#cursor = sent.at(-1)?.cursor ?? this.#cursor;
    return sent.map(({ cursor, report }) => event("window", report, cursor)).join("");
  }
}

function event(name: string, data: object, id?: string): string {
  return `event: ${name}\n${id === undefined ? "" : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`;
}
