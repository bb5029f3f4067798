/**
 * Copies a topic of one's own into one that is keyed by user, exactly once: for each partition of the input, a transaction
 * carries the copies and the offset behind what was copied.
 *
 * Of one user's events in several partitions no order is known but that of their records' times. So the partitions are copied
 * side by side: none runs ahead of the others by more than a batch, and what they hold comes out about as it came in.
 */
import { NcfError } from "../../core/errors.ts";
import type { InteractionLog, LogRecord, TransactionalProducer } from "../../ports/interaction-log.ts";
import { noProgress, type Progress, type ProgressTask } from "../../ports/progress.ts";
import type { EventMapping } from "../../streaming/event-mapping.ts";
import { nextRecords } from "../stream/committed-records.ts";
import { noCopies, type RekeyCounts, rekeyed } from "./rekeyed-record.ts";
import { type OutageDeps, throughOutages } from "./through-outages.ts";

export interface RekeyDeps extends OutageDeps {
  readonly log: InteractionLog;
  readonly progress?: Progress;
  readonly monotonicMs: () => number;
}

export interface RekeyRequest {
  readonly from: string;
  readonly to: string;
  readonly mapping: EventMapping;
  /** Ends at what was the input's end at the start. */
  readonly untilEnd: boolean;
  readonly signal: AbortSignal;
}

interface InputPartition {
  readonly partition: number;
  readonly producer: TransactionalProducer;
  /** Where it ends with `untilEnd`. */
  readonly end: number;
  /** Read, not copied. */
  records: readonly LogRecord[];
  /** Behind those. */
  nextOffset: number;
  /** Behind what was copied. */
  committed: number;
  committedAtMs: number;
}

const recordsAtOnce = 1_000;
const waitMs = 500;
/** Brokers forget an offset that was not committed anew for days. */
const recommitMs = 3_600_000;

/**
 * Goes on where earlier calls with the same topics stopped, and waits for a log that is away.
 *
 * @returns what it copied, when the end is reached or the signal is given
 * @throws NcfError `TOPIC_UNKNOWN`, `USAGE`; `REKEYED_ELSEWHERE` when another process does the same; those of the log
 */
export async function rekeyTopic(deps: RekeyDeps, request: RekeyRequest): Promise<RekeyCounts> {
  const { log, progress = noProgress } = deps;
  const { from, to, untilEnd, signal } = request;
  if (from === to) throw new NcfError("USAGE", `expected another topic to copy to, found ${to} for both`);
  await log.partitions(to);
  const ends: number[] = [];
  for (let p = 0; p < (await log.partitions(from)); p++) ends.push(await log.endOffset(from, p));
  const copy = new Copy(deps, request, ends);
  const task = progress.start("Copying", untilEnd ? copy.offsets : undefined, "records");
  try {
    await throughOutages(deps, signal, (gotOn) => copy.run(task, gotOn));
  } catch (error) {
    if (!signal.aborted || error !== signal.reason) throw error;
  }
  task.end();
  return copy.counts;
}

class Copy {
  readonly #deps: RekeyDeps;
  readonly #request: RekeyRequest;
  readonly #group: string;
  readonly #ends: readonly number[];
  counts = noCopies;

  constructor(deps: RekeyDeps, request: RekeyRequest, ends: readonly number[]) {
    this.#deps = deps;
    this.#request = request;
    this.#group = `ncf-rekey-${request.from}-${request.to}`;
    this.#ends = ends;
  }

  /** Up to the end, those included that were copied before or hold no record. */
  get offsets(): number {
    return this.#ends.reduce((sum, end) => sum + end, 0);
  }

  async run(task: ProgressTask, gotOn: () => void): Promise<void> {
    const { signal, untilEnd } = this.#request;
    const inputs: InputPartition[] = [];
    try {
      for (const partition of this.#ends.keys()) inputs.push(await this.#open(partition));
      for (let atEnd = false; !(atEnd && untilEnd) && !signal.aborted; ) {
        await Promise.all(inputs.map((input) => this.#read(input)));
        const copied = await this.#copyRound(inputs);
        gotOn();
        atEnd = inputs.every(({ committed, end }) => committed >= end);
        task.update(inputs.reduce((sum, { committed }) => sum + committed, 0));
        if (!copied && !(atEnd && untilEnd)) await this.#deps.sleep(waitMs, signal);
      }
    } catch (cause) {
      if (!(cause instanceof NcfError && cause.code === "PRODUCER_FENCED")) throw cause;
      throw new NcfError(
        "REKEYED_ELSEWHERE",
        `expected to be the only one that copies ${this.#request.from}, but another process began to and goes on from here. ` +
          "Let it, or end it and start this one again",
        { cause },
      );
    } finally {
      await Promise.all(inputs.map(({ producer }) => producer.close()));
    }
  }

  async #open(partition: number): Promise<InputPartition> {
    const { log, monotonicMs } = this.#deps;
    const { from } = this.#request;
    const producer = await log.openProducer(`${this.#group}-p${partition}`);
    try {
      const found = await log.committed(this.#group, from, partition);
      const committed = found?.offset ?? (await log.startOffset(from, partition));
      const position = { committed, nextOffset: committed, committedAtMs: monotonicMs() };
      return { partition, producer, end: this.#ends[partition], records: [], ...position };
    } catch (cause) {
      await producer.close();
      throw cause;
    }
  }

  async #read(input: InputPartition): Promise<void> {
    const { partition, nextOffset, end } = input;
    if (input.records.length > 0 || (this.#request.untilEnd && nextOffset >= end)) return;
    const place = { topic: this.#request.from, partition };
    const batch = await nextRecords(this.#deps.log, place, nextOffset, recordsAtOnce);
    const later = this.#request.untilEnd ? batch.records.findIndex(({ offset }) => offset >= end) : -1;
    input.records = later < 0 ? batch.records : batch.records.slice(0, later);
    input.nextOffset = later < 0 ? batch.nextOffset : batch.records[later].offset;
  }

  /** Copies up to the time to which all that have records are read. @returns whether anything was new */
  async #copyRound(inputs: readonly InputPartition[]): Promise<boolean> {
    const readTo = inputs.filter(({ records }) => records.length > 0).map(({ records }) => latestMs(records));
    const horizonMs = Math.min(...readTo);
    const copied = await Promise.all(inputs.map((input) => this.#copy(input, horizonMs)));
    return copied.includes(true);
  }

  async #copy(input: InputPartition, horizonMs: number): Promise<boolean> {
    const { from: topic, to, mapping } = this.#request;
    const { partition, records, producer } = input;
    const beyond = records.findIndex(({ timestampMs }) => timestampMs > horizonMs);
    const taken = beyond < 0 ? records : records.slice(0, beyond);
    const offset = beyond < 0 ? input.nextOffset : records[beyond].offset;
    const nowMs = this.#deps.monotonicMs();
    if (offset === input.committed && nowMs - input.committedAtMs < recommitMs) return false;
    const copies = rekeyed(taken, mapping);
    const offsets = [{ group: this.#group, topic, partition, offset, metadata: "" }];
    await producer.commit({ records: copies.records.map((record) => ({ topic: to, ...record })), offsets });
    this.counts = copies.addTo(this.counts);
    input.records = records.slice(taken.length);
    input.committed = offset;
    input.committedAtMs = nowMs;
    return true;
  }
}

function latestMs(records: readonly LogRecord[]): number {
  return records.reduce((latest, { timestampMs }) => Math.max(latest, timestampMs), Number.NEGATIVE_INFINITY);
}
