/** How fast processors work off a topic, and what an event costs them and the broker: a part of bench/stream-kafka.ts. */
import { setTimeout as sleep } from "node:timers/promises";
import type { InteractionLog, NewRecord } from "../src/ports/interaction-log.ts";
import { cpuMs, type Processor } from "./stream-kafka-processor.ts";

export interface RateInput {
  readonly log: InteractionLog;
  readonly topic: string;
  readonly group: string;
  readonly records: readonly NewRecord[];
  readonly processors: readonly Processor[];
  readonly brokerPid: number;
}

export interface Rate {
  readonly events: number;
  readonly perSecond: number;
  /** CPU microseconds an event, of all processors together. */
  readonly processorUs: number;
  readonly brokerUs: number;
}

interface Reading {
  readonly ms: number;
  readonly events: number;
  readonly done: boolean;
  readonly processorMs: number;
  readonly brokerMs: number;
}

const appendAtOnce = 5_000;
const pollMs = 100;

/**
 * Sends the records to processors that wait for them. The first tenth is warm-up; what counts is the time from then, and from
 * when all was sent, until the first partition is done.
 */
export async function measureRate(input: RateInput): Promise<Rate> {
  const { log, topic, records } = input;
  for (let from = 0; from < records.length; from += appendAtOnce) {
    await log.append(topic, records.slice(from, from + appendAtOnce));
  }
  const warmedUp = records.length / 10;
  let first: Reading | null = null;
  for (let latest = await read(input); ; latest = await read(input)) {
    if (first === null && latest.events >= warmedUp) first = latest;
    if (latest.done) {
      if (first === null || first === latest) throw new Error("expected more events than were done at once: --events");
      const events = latest.events - first.events;
      return {
        events,
        perSecond: (1000 * events) / (latest.ms - first.ms),
        processorUs: (1000 * (latest.processorMs - first.processorMs)) / events,
        brokerUs: (1000 * (latest.brokerMs - first.brokerMs)) / events,
      };
    }
    await sleep(pollMs);
  }
}

async function read(input: RateInput): Promise<Reading> {
  const { log, topic, processors, brokerPid } = input;
  let done = false;
  let events = 0;
  for (let p = 0; p < (await log.partitions(topic)); p++) {
    const offset = (await log.committed(input.group, topic, p))?.offset ?? 0;
    events += offset;
    if (offset >= (await log.endOffset(topic, p))) done = true;
  }
  const processorMs = processors.reduce((sum, { pid }) => sum + cpuMs(pid), 0);
  return { ms: performance.now(), events, done, processorMs, brokerMs: cpuMs(brokerPid) };
}
