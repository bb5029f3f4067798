/** The records of our topics that no part of this program reads back: for those who read them elsewhere. */
import { z } from "zod";
import { type LateEvent, type Outcome, userKinds } from "./outcome.ts";

const offset = z.int().min(0);
const partition = z.int().min(0).describe("Of the input topic");
const numericIdText = "The id's own number, or the 53-bit hash that stands for it in the program";
const nano = z.int().min(0).max(1e9);

const score = z.strictObject({
  hit: nano.describe("Expected hit at 10 over the order of tied candidates, in units of 1e-9"),
  ndcg: nano.describe("Expected NDCG at 10, in units of 1e-9"),
});

const event = {
  eventId: z.string().nullable(),
  userId: z.int().min(0).describe(numericIdText),
  itemId: z.int().min(0).describe(numericIdText),
  userText: z.string().describe("The id as the source wrote it"),
  itemText: z.string().describe("The id as the source wrote it"),
  timestampMs: z.int().describe("Event time, milliseconds since 1970 UTC"),
};

export const outcomeSchema: z.ZodType<Outcome> = z.strictObject({
  partition,
  offset: offset.describe("Of the event in the input's partition"),
  ...event,
  version: z.string().describe("Model version that ranked the event"),
  candidates: z.int().min(1).describe("Items ranked, the event's own included"),
  above: z.int().min(0).describe("Candidates that the model scored above the event's item"),
  tied: z.int().min(0).describe("Others level with it"),
  kind: z
    .enum(userKinds)
    .describe("cold: no earlier event; foldedIn: some, not learnt; warm: the version knows the user"),
  quartile: z.int().min(1).max(4).nullable().describe("Of activity; null where the version does not know the user"),
  coldItem: z.boolean().describe("Whether the item had no training interaction"),
  leaked: z.boolean().describe("Whether the version may have learnt from the event"),
  model: score,
  popularity: score,
  decayedPopularity: score,
  challenger: score
    .extend({
      version: z.string(),
      firstOfUser: z.boolean().describe("Whether this is the user's first tested event since the challenger began"),
    })
    .nullable()
    .describe("The same by a version that is tested beside the one in force; null where there is none"),
  windows: z.array(
    z.strictObject({
      startMs: z.int(),
      endMs: z.int().describe("Exclusive"),
      firstOfUser: z.boolean().describe("Whether this is the user's first tested event in the window"),
    }),
  ),
});

export const lateEventSchema: z.ZodType<LateEvent> = z.strictObject({
  partition,
  offset: offset.describe("Of the event in the input's partition"),
  event: z.strictObject({ ...event, rating: z.number().nullable() }),
  streamTimeMs: z.int().nullable().describe("Of the partition when the event came; null after the end of the stream"),
});

export const deadLetterSchema = z.strictObject({
  partition,
  offset: offset.describe("Of the record in the input's partition"),
  reason: z.string().describe("What was expected and what was found"),
  value: z.base64().nullable().describe("The record's value, or its beginning; null where it had none"),
  valueBytes: z.int().min(0).nullable().describe("How long the whole value was"),
});
