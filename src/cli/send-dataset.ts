/** `ncf replay --brokers`: a data set's newest part as records of a topic, for a stream processor to test. */
import { createHash } from "node:crypto";
import { setTimeout as timeout } from "node:timers/promises";
import { InvalidArgumentError } from "commander";
import { KafkaInteractionLog } from "../adapters/kafka/kafka-interaction-log.ts";
import { localRatingsSource } from "../adapters/local/ratings-reader.ts";
import { eventOf } from "../app/replay-dataset.ts";
import { grouped } from "../app/report/number-text.ts";
import { type EventSequence, sendEvents } from "../app/topics/send-events.ts";
import type { RatingTable } from "../core/ratings.ts";
import { newerRows } from "../core/temporal-split.ts";
import { resolveDataset } from "./dataset.ts";
import { type KafkaOptionValues, kafkaConnection } from "./kafka-connection.ts";
import * as options from "./options.ts";
import type { Terminal } from "./terminal.ts";

export interface SendDatasetValues extends KafkaOptionValues, options.ReadOptionValues {
  readonly topic?: string;
  readonly speed?: number | null;
  readonly before: number;
}

/** A request is repeated so long before a person is told that the brokers are away. */
const retryMs = 10_000;

/** `1000x`: so many seconds of event time a second; null for `max`. */
export function speed(text: string): number | null {
  if (text === "max") return null;
  const [, factor] = /^(\d{1,9}(?:\.\d{1,3})?)x$/.exec(text) ?? [];
  if (Number(factor) > 0) return Number(factor);
  throw new InvalidArgumentError("Expected max, or event time's seconds a second such as 1000x.");
}

export async function sendDataset(given: string, values: SendDatasetValues, terminal: Terminal): Promise<void> {
  const { topic = "interactions", before: share } = values;
  const connection = kafkaConnection(values);
  const { signal } = terminal;
  const { name, generated, path } = await resolveDataset(given, terminal);
  const reading = options.readRatingsOptions(values);
  const { ratings, validation } = await localRatingsSource.read(path, { ...reading, signal });
  const { fromMs, rows } = newerRows(ratings, share);
  const { ratingsSha256 } = validation;
  const { columns = null, timeFormat = null } = reading;
  const id = createHash("sha256")
    .update(JSON.stringify([ratingsSha256, columns, timeFormat, share]))
    .digest("hex");
  const events = eventSequence(id.slice(0, 16), ratings, rows, ratingsSha256.slice(0, 12));

  const log = await KafkaInteractionLog.open({ ...connection, retryMs });
  try {
    const { sentBefore } = await sendEvents(
      {
        log,
        progress: terminal.progress,
        monotonicMs: () => performance.now(),
        sleep: (ms, stop) => timeout(ms, undefined, { signal: stop }).catch(() => undefined),
        onWait: ({ message }, waitMs) =>
          terminal.log(`ncf: ${message}. Trying again in ${waitMs / 1000} s; Ctrl-C stops it.`),
      },
      { topic, events, speed: values.speed ?? null, signal },
    );
    const sent = events.length - sentBefore;
    const result = { dataset: name, generated, topic, fromMs, events: events.length, sentBefore, sent };
    terminal.answer(result, sentText(result));
  } finally {
    await log.close();
  }
}

function eventSequence(id: string, ratings: RatingTable, rows: Int32Array, datasetId: string): EventSequence {
  return {
    id,
    length: rows.length,
    at: (position) => {
      const row = rows[position];
      // Stored in 32 bits, which hold seven digits.
      const rating = Number(ratings.rating[row].toPrecision(7));
      const event = { eventId: `${datasetId}-${row}`, ...eventOf(ratings, row) };
      return Number.isNaN(rating) ? event : { ...event, rating };
    },
  };
}

function sentText(result: {
  readonly dataset: string;
  readonly generated: boolean;
  readonly topic: string;
  readonly fromMs: number;
  readonly events: number;
  readonly sentBefore: number;
  readonly sent: number;
}): string {
  const { dataset, generated, topic, fromMs, events, sentBefore, sent } = result;
  const data = `${dataset}${generated ? " (generated data)" : ""}`;
  const since = new Date(fromMs).toISOString().slice(0, 10);
  if (sent === 0) {
    return `${data}: all ${grouped(events)} events since ${since} had been sent to ${topic} before. A topic of another name takes them again.`;
  }
  const before = sentBefore === 0 ? "" : ` (${grouped(sentBefore)} more had been sent before)`;
  return `${data}: sent ${grouped(sent)} events since ${since} to ${topic}${before}.`;
}
