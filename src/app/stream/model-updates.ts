/**
 * Topic `model-updates`: which version is in force, and which is tested beside it, from which event time on. Stage 2 writes it,
 * partitions follow it. So every partition hears the same, in the same order, and a successor can read it all again.
 */
import { z } from "zod";
import { NcfError } from "../../core/errors.ts";
import { decodeJson, encodeJson } from "../../core/json.ts";
import type { InteractionLog, TopicRecord } from "../../ports/interaction-log.ts";
import { nextRecords } from "./committed-records.ts";

export const modelUpdateSchema = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("champion"),
    version: z.string(),
    fromMs: z.int().describe("Start of the first window in which it is in force"),
  }),
  z.object({
    kind: z.literal("challenger"),
    version: z.string().nullable().describe("Null: none from here on"),
    fromMs: z.int().describe("Start of the first window in which it is tested beside the champion"),
  }),
]);

export type ModelUpdate = z.infer<typeof modelUpdateSchema>;

/** The version that came into force last. @param firstVersion in force before any update */
export function versionInForce(updates: readonly ModelUpdate[], firstVersion: string): string {
  return updates.findLast(({ kind }) => kind === "champion")?.version ?? firstVersion;
}

/** The version that is tested beside, or is about to be; null where none is. */
export function versionOnTrial(updates: readonly ModelUpdate[]): string | null {
  return updates.findLast(({ kind }) => kind === "challenger")?.version ?? null;
}

export function modelUpdateRecord(topic: string, update: ModelUpdate): TopicRecord {
  return { topic, partition: 0, key: update.kind, value: encodeJson(update) };
}

const recordsAtOnce = 1_000;

/** All updates so far, read on from where the last reading ended. */
export class ModelUpdates {
  readonly #log: InteractionLog;
  readonly #topic: string;
  readonly #updates: ModelUpdate[] = [];
  #offset = 0;
  #reading: Promise<void> | null = null;

  constructor(log: InteractionLog, topic: string) {
    this.#log = log;
    this.#topic = topic;
  }

  /** In the order in which they came. */
  get list(): readonly ModelUpdate[] {
    return this.#updates;
  }

  /** Reads what came since; at the same time for all who ask. @throws NcfError `UPDATE_INVALID`, those of the log */
  refresh(): Promise<void> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  async #read(): Promise<void> {
    const place = { topic: this.#topic, partition: 0 };
    for (;;) {
      const { records, nextOffset } = await nextRecords(this.#log, place, this.#offset, recordsAtOnce);
      for (const { offset, value } of records) this.#updates.push(this.#decode(offset, value));
      this.#offset = nextOffset;
      if (records.length === 0) return;
    }
  }

  #decode(offset: number, value: Uint8Array | null): ModelUpdate {
    try {
      return modelUpdateSchema.parse(decodeJson(value ?? new Uint8Array()));
    } catch (cause) {
      throw new NcfError(
        "UPDATE_INVALID",
        `topic ${this.#topic}: expected which model version is in force at offset ${offset}, found something else. Only the ` +
          "stream may write there: start a new group with topics of its own (--topic-prefix)",
        { cause },
      );
    }
  }
}
