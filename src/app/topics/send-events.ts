/**
 * Sends events to a topic, keyed by user, as fast as it goes or at a multiple of their own pace. A transaction carries each
 * batch and how many events it takes the sending to, so that whoever goes on after a crash leaves no event out and sends none
 * twice.
 */
import { NcfError } from "../../core/errors.ts";
import type { InteractionLog } from "../../ports/interaction-log.ts";
import { noProgress, type Progress, type ProgressTask } from "../../ports/progress.ts";
import { encodeWireEvent, type WireEvent } from "../../streaming/interaction-event.ts";
import { type OutageDeps, throughOutages } from "./through-outages.ts";

export interface SendDeps extends OutageDeps {
  readonly log: InteractionLog;
  readonly progress?: Progress;
  readonly monotonicMs: () => number;
}

/** Events in order of time. Only those of the batch that is sent are in memory. */
export interface EventSequence {
  /** Names the sequence among all that are sent to the topic: the same name, the same events. */
  readonly id: string;
  readonly length: number;
  at(position: number): WireEvent;
}

export interface SendRequest {
  readonly topic: string;
  readonly events: EventSequence;
  /** Milliseconds of event time a millisecond; null for as fast as it goes. */
  readonly speed: number | null;
  readonly signal: AbortSignal;
}

export interface SendResult {
  readonly events: number;
  /** Of these, by earlier calls. */
  readonly sentBefore: number;
}

const batchEvents = 5_000;
/** At a pace, so much time lies between two batches at least: a transaction for each event would be slow. */
const paceMs = 100;
const longestSleepMs = 1_000;

/**
 * Goes on where earlier calls with the same sequence and topic stopped, and waits for a log that is away.
 *
 * @throws NcfError `TOPIC_UNKNOWN`; `SENT_ELSEWHERE` when another process sends the same; the signal's reason
 */
export async function sendEvents(deps: SendDeps, request: SendRequest): Promise<SendResult> {
  const { topic, events, signal } = request;
  await deps.log.partitions(topic);
  const sending = new Sending(deps, request);
  await throughOutages(deps, signal, (gotOn) => sending.run(gotOn));
  return { events: events.length, sentBefore: sending.sentBefore };
}

class Sending {
  readonly #deps: SendDeps;
  readonly #request: SendRequest;
  #task: ProgressTask | null = null;
  #sentBefore: number | null = null;
  /** The first event that is not known to be sent. */
  #position = 0;
  /** Event time 0 at the request's speed, on the clock of `monotonicMs`. */
  #originMs: number | null = null;

  constructor(deps: SendDeps, request: SendRequest) {
    this.#deps = deps;
    this.#request = request;
  }

  get sentBefore(): number {
    return this.#sentBefore ?? 0;
  }

  /** Sends what is left. */
  async run(gotOn: () => void): Promise<void> {
    const { log, progress = noProgress } = this.#deps;
    const { topic, events, signal } = this.#request;
    const group = `ncf-replay-${events.id}`;
    const producer = await log.openProducer(`${group}-${topic}`);
    try {
      this.#position = (await log.committed(group, topic, 0))?.offset ?? 0;
      this.#sentBefore ??= this.#position;
      this.#task ??= progress.start("Sending", events.length, "events");
      while (this.#position < events.length) {
        this.#task.update(this.#position, timeNote(events.at(this.#position).timestampMs));
        signal.throwIfAborted();
        const end = await this.#due();
        const records = [];
        for (let i = this.#position; i < end; i++) {
          const event = events.at(i);
          const { userId, timestampMs } = event;
          records.push({
            topic,
            key: String(userId),
            value: encodeWireEvent(event),
            timestampMs: Math.max(0, timestampMs),
          });
        }
        const metadata = `${end} of ${events.length} events sent`;
        if (records.length > 0) {
          await producer.commit({ records, offsets: [{ group, topic, partition: 0, offset: end, metadata }] });
        }
        this.#position = end;
        gotOn();
      }
      this.#task.update(events.length, "");
      this.#task.end();
    } catch (cause) {
      if (!(cause instanceof NcfError && cause.code === "PRODUCER_FENCED")) throw cause;
      throw new NcfError(
        "SENT_ELSEWHERE",
        `expected to be the only one that sends these events to ${topic}, but another process began to and goes on from here. ` +
          "Let it, or end it and start this one again",
        { cause },
      );
    } finally {
      await producer.close();
    }
  }

  /** The end of the events that are to be sent now; waits until their time comes, but no longer than a moment. */
  async #due(): Promise<number> {
    const { monotonicMs, sleep } = this.#deps;
    const { events, speed, signal } = this.#request;
    const most = Math.min(this.#position + batchEvents, events.length);
    if (speed === null) return most;
    const wallMs = (position: number): number => events.at(position).timestampMs / speed;
    this.#originMs ??= monotonicMs() - wallMs(this.#position);
    const waitMs = this.#originMs + wallMs(this.#position) - monotonicMs();
    await sleep(Math.min(longestSleepMs, Math.max(paceMs, waitMs)), signal);
    signal.throwIfAborted();
    const nowMs = monotonicMs() - this.#originMs;
    let end = this.#position;
    while (end < most && wallMs(end) <= nowMs) end++;
    return end;
  }
}

function timeNote(timestampMs: number): string {
  return `at ${new Date(timestampMs).toISOString().slice(0, 10)}`;
}
