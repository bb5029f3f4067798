/** Looks at the newest records of a topic, and says what a stream would make of it. Reads only: no group, no producer. */
import type { InteractionLog } from "../../ports/interaction-log.ts";
import { noProgress, type Progress } from "../../ports/progress.ts";
import type { EventMapping } from "../../streaming/event-mapping.ts";
import { committedRecords } from "../stream/committed-records.ts";
import { type KindField, kindFields, suggestMapping } from "./suggest-mapping.ts";
import { StatisticsFold, type TopicStatistics } from "./topic-statistics.ts";

export interface InspectDeps {
  readonly log: InteractionLog;
  readonly progress?: Progress;
}

export interface InspectRequest {
  readonly topic: string;
  readonly mapping: EventMapping;
  /** The newest so many records of each partition, or fewer, so that all fit into memory. */
  readonly sample: number;
  /** How far an event's time may lie beyond its record's. */
  readonly maxAheadMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface TopicInspection {
  readonly topic: string;
  readonly partitions: number;
  /** Offsets from the first to the end; some may hold no record. */
  readonly offsets: number;
  readonly samplePerPartition: number;
  /** As given, or as suggested where the given one has no fields and fits fewer than half of the records. */
  readonly mapping: EventMapping;
  readonly mappingSuggested: boolean;
  readonly kindFields: readonly KindField[];
  readonly statistics: TopicStatistics;
  /** For `ncf stream`; null without events. */
  readonly suggested: { readonly graceMs: number; readonly windowMs: number; readonly partitions: number } | null;
}

const maxRecordsInAll = 1_000_000;
const recordsAtOnce = 2_000;
/** Records whose fields are looked at for a mapping. */
const fieldSamples = 500;

const [minuteMs, hourMs, dayMs] = [60_000, 3_600_000, 86_400_000];
const graces = [1, 5, 15, 60, 180, 360, 720].map((minutes) => minutes * minuteMs);
const longGraces = [1, 2, 7, 30, 90, 365].map((days) => days * dayMs);
const windowSizes = [hourMs, 6 * hourMs, dayMs, 7 * dayMs, 30 * dayMs, 90 * dayMs];
/** Of a window: HR@10 is then known to about ±3 points. */
const aimedEvents = 1_000;
/** What a processor is counted on to test: half of what it does on one core, so that it catches up after a stop. */
const eventsPerProcessor = 4_000;

/** @throws NcfError `TOPIC_UNKNOWN`; those of the log; the signal's reason */
export async function inspectTopic(deps: InspectDeps, request: InspectRequest): Promise<TopicInspection> {
  const { log } = deps;
  const { topic, mapping } = request;
  const partitions = await log.partitions(topic);
  const samplePerPartition = Math.min(request.sample, Math.ceil(maxRecordsInAll / partitions));
  const places = await Promise.all(
    Array.from({ length: partitions }, async (_, partition) => {
      const [start, to] = [await log.startOffset(topic, partition), await log.endOffset(topic, partition)];
      return { partition, start, from: Math.max(start, to - samplePerPartition), to };
    }),
  );
  const first = await readSample(deps, request, places, mapping);
  const kinds = kindFields(first.objects);
  const { events, invalid } = first.statistics;
  const guess = mapping.fields === undefined && events < invalid ? suggestMapping(first.objects) : null;
  const used = guess === null ? mapping : { ...mapping, ...guess };
  const { statistics } = guess === null ? first : await readSample(deps, request, places, used);
  return {
    topic,
    partitions,
    offsets: places.reduce((sum, { start, to }) => sum + to - start, 0),
    samplePerPartition,
    mapping: used,
    mappingSuggested: guess !== null,
    kindFields: kinds,
    statistics,
    suggested: suggestedFor(statistics),
  };
}

interface SamplePlace {
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

async function readSample(
  { log, progress = noProgress }: InspectDeps,
  { topic, maxAheadMs, signal }: InspectRequest,
  places: readonly SamplePlace[],
  mapping: EventMapping,
): Promise<{ readonly statistics: TopicStatistics; readonly objects: readonly object[] }> {
  const fold = new StatisticsFold(mapping, places.length, maxAheadMs);
  const objects: object[] = [];
  const offsets = places.reduce((sum, { from, to }) => sum + to - from, 0);
  const perPartition = Math.ceil(fieldSamples / places.length);
  const task = progress.start("Reading", offsets, "records");
  let before = 0;
  for (const { partition, from, to } of places) {
    fold.startPartition(partition);
    const most = objects.length + perPartition;
    for await (const record of committedRecords(log, { topic, partition }, { from, to, atOnce: recordsAtOnce })) {
      signal?.throwIfAborted();
      fold.add(record);
      if (objects.length < most) objects.push(...objectsOf(record.value));
      task.update(before + record.offset - from);
    }
    before += to - from;
  }
  task.update(offsets);
  task.end();
  return { statistics: fold.statistics(), objects };
}

/** The record's JSON, where it is an object. */
function objectsOf(value: Uint8Array | null): object[] {
  if (value === null) return [];
  try {
    const json: unknown = JSON.parse(new TextDecoder().decode(value));
    return typeof json === "object" && json !== null && !Array.isArray(json) ? [json] : [];
  } catch {
    return [];
  }
}

function suggestedFor(statistics: TopicStatistics): TopicInspection["suggested"] {
  const { events, disorderMs, firstEventMs, lastEventMs, recordsPerSecond } = statistics;
  if (disorderMs === null || firstEventMs === null || lastEventMs === null) return null;
  const fits = (sizes: readonly number[], least: number): number =>
    sizes.find((size) => size >= least) ?? (sizes.at(-1) as number);
  const msForAim = (aimedEvents * (lastEventMs - firstEventMs)) / events;
  const processors = (recordsPerSecond ?? 0) / eventsPerProcessor;
  return {
    graceMs: fits([...graces, ...longGraces], disorderMs.p999),
    windowMs: fits(windowSizes, msForAim),
    partitions: 2 ** Math.ceil(Math.log2(Math.max(1, processors))),
  };
}
