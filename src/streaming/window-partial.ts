/** What one commit of stage 1 adds to the windows: the only thing that stage 2 reads. */
import { z } from "zod";
import { windowSumsSchema } from "./window-sums.ts";

const offset = z.int().min(0);

export const windowPartialSchema = z.object({
  partition: z.int().min(0).describe("Of the input topic"),
  fromOffset: offset.describe("The partition's offset before this commit"),
  nextOffset: offset.describe(
    "The partition's offset after it; equal where the commit only says something new of idleness",
  ),
  streamTimeMs: z.int().nullable().describe("Null before the partition's first event"),
  ended: z
    .boolean()
    .describe("Whether the partition's end-of-stream record was read: stream time is as good as infinite"),
  idle: z.boolean().describe("Whether the partition is to hold no window back"),
  deltas: z.array(z.object({ startMs: z.int(), endMs: z.int(), sums: windowSumsSchema })),
  promotions: z
    .array(z.object({ version: z.string(), fromMs: z.int(), fromOffset: offset.nullable() }))
    .describe(
      "That the partition learnt of in this commit; with an offset where a promotion came too late for its time",
    ),
  challengers: z
    .array(z.object({ version: z.string().nullable(), fromMs: z.int(), fromOffset: offset.nullable() }))
    .default([])
    .describe("The same for versions that are tested beside the one in force; null ends that"),
});

export type WindowPartial = z.infer<typeof windowPartialSchema>;
