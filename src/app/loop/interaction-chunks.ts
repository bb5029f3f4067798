/** Copies the committed interactions of a partition into chunks, and reads ranges of them. */
import { NcfError } from "../../core/errors.ts";
import type { InteractionChunks, KeptInteraction, OffsetRange } from "../../ports/interaction-chunks.ts";
import type { InteractionLog } from "../../ports/interaction-log.ts";
import { type DecodedRecord, decodeRecord } from "../../streaming/interaction-event.ts";
import { committedRecords, type LogPlace } from "../stream/committed-records.ts";

export interface ChunkDeps {
  readonly log: InteractionLog;
  /** Of this partition. */
  readonly chunks: InteractionChunks;
}

export interface ChunkInput extends LogPlace {
  readonly group: string;
  /** How the stream reads a record's value, where that is not `decodeRecord`. */
  readonly decode?: (value: Uint8Array | null) => DecodedRecord;
  /** As the stream's: how far an event's time may lie beyond its record's. No limit by default. */
  readonly maxAheadMs?: number;
  /** Where the group began; what came before is not kept. The log's start by default. */
  readonly startOffset?: number | undefined;
  /** Offsets of a chunk at most. */
  readonly chunkOffsets: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Copies on, from where the chunks end, up to the offset that the group has committed; what is a dead letter is left out. A
 * chunk is written whole or not at all and the next one starts where it ends, so a crash leaves neither hole nor overlap.
 * Two copiers at once may write chunks that overlap: a reader goes by offsets, so nothing counts twice. Only what the log
 * has removed before it was kept leaves a hole.
 *
 * @returns the offset up to which the interactions are kept
 * @throws NcfError those of the log and the store
 */
export async function keepInteractions({ log, chunks }: ChunkDeps, input: ChunkInput): Promise<number> {
  const { topic, partition, group, decode = decodeRecord, chunkOffsets, signal } = input;
  const { maxAheadMs = Number.POSITIVE_INFINITY, startOffset = 0 } = input;
  const end = (await log.committed(group, topic, partition))?.offset ?? 0;
  let from = reachOf(await chunks.list(), Math.max(startOffset, await log.startOffset(topic, partition)));
  while (from < end && signal?.aborted !== true) {
    const to = Math.min(end, from + chunkOffsets);
    const interactions: KeptInteraction[] = [];
    const stretch = { from, to, atOnce: 10_000 };
    for await (const { offset, value, timestampMs } of committedRecords(log, { topic, partition }, stretch)) {
      const decoded = decode(value);
      if (decoded.kind !== "event" || decoded.event.timestampMs > timestampMs + maxAheadMs) continue;
      const { eventId: _, ...event } = decoded.event;
      interactions.push({ offset, ...event });
    }
    await chunks.write({ from, to }, interactions);
    from = to;
  }
  return from;
}

/** The end of what the chunks cover without a hole from an offset on. */
function reachOf(kept: readonly OffsetRange[], from: number): number {
  return kept.reduce((reach, chunk) => (chunk.from <= reach ? Math.max(reach, chunk.to) : reach), from);
}

/**
 * What there is to learn from an offset on: up to where the chunks end, from behind the last hole on. Empty where they end
 * before the offset.
 */
export function learnableRange(kept: readonly OffsetRange[], from: number): OffsetRange {
  return kept.reduce(
    (range, chunk) => ({
      from: chunk.from <= range.to ? range.from : chunk.from,
      to: Math.max(range.to, chunk.to),
    }),
    { from, to: from },
  );
}

/**
 * The interactions of a range, ascending by offset.
 *
 * @throws NcfError `CHUNKS_MISSING` where the chunks do not cover the range; those of `InteractionChunks.read`
 */
export async function readInteractions(chunks: InteractionChunks, range: OffsetRange): Promise<KeptInteraction[]> {
  const kept = await chunks.list();
  const interactions: KeptInteraction[] = [];
  for (let at = range.from; at < range.to; ) {
    const start = at;
    const chunk = kept.findLast(({ from, to }) => from <= start && to > start);
    if (chunk === undefined) {
      throw new NcfError(
        "CHUNKS_MISSING",
        `expected kept interactions at offsets ${range.from} to ${range.to - 1}, found none at ${start}. Let the stream ` +
          "keep them first, or ask for the offsets that are there",
        { data: { offset: start } },
      );
    }
    const end = Math.min(chunk.to, range.to);
    interactions.push(...(await chunks.read(chunk)).filter(({ offset }) => offset >= start && offset < end));
    at = end;
  }
  return interactions;
}
