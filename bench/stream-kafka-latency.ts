/** How long an event takes to count in a report: a part of bench/stream-kafka.ts. */
import { setTimeout as sleep } from "node:timers/promises";
import { decodeJson } from "../src/core/json.ts";
import type { InteractionLog, NewRecord } from "../src/ports/interaction-log.ts";
import { windowReportSchema } from "../src/streaming/window-report.ts";

export interface LatencyInput {
  readonly log: InteractionLog;
  /** Of one partition, so that the first n events are the first n cases. */
  readonly topic: string;
  readonly windowsTopic: string;
  /** All tested, and all in one window. */
  readonly records: readonly NewRecord[];
  readonly perSecond: number;
}

const tickMs = 10;

/**
 * Sends events at an even pace.
 *
 * @returns milliseconds from when each was due to when a reader had the first report that covers it; a producer that falls
 *   behind makes them longer
 */
export async function measureLatency(input: LatencyInput): Promise<Float64Array> {
  const { log, topic, records, perSecond } = input;
  const latencies = new Float64Array(records.length).fill(Number.NaN);
  const startMs = performance.now();
  const dueMs = (event: number): number => startMs + (1000 * event) / perSecond;
  const reading = readReports(input, (cases, covered) => {
    for (let event = covered; event < cases; event++) latencies[event] = performance.now() - dueMs(event);
  });
  for (let sent = 0; sent < records.length; await sleep(tickMs)) {
    const due = Math.min(records.length, Math.ceil(((performance.now() - startMs) * perSecond) / 1000));
    if (due > sent) await log.append(topic, records.slice(sent, due));
    sent = Math.max(sent, due);
  }
  await reading;
  return latencies;
}

async function readReports(
  { log, windowsTopic, records }: LatencyInput,
  onCases: (cases: number, covered: number) => void,
): Promise<void> {
  let covered = 0;
  for (let offset = 0; covered < records.length; ) {
    const batch = await log.read(windowsTopic, 0, offset, 100);
    offset = batch.nextOffset;
    for (const { value } of batch.records) {
      const { cases } = windowReportSchema.parse(decodeJson(value ?? new Uint8Array()));
      onCases(cases, covered);
      covered = Math.max(covered, cases);
    }
    if (batch.records.length === 0) await log.waitForRecords(windowsTopic, 0, offset, { timeoutMs: 1000 });
  }
}
