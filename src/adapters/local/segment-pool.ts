import { Worker } from "node:worker_threads";
import { NcfError } from "../../core/errors.ts";
import type { RatingsLayout } from "../../core/ratings/layout.ts";
import { type RatingsSegment, SegmentParser } from "../../core/ratings/segment.ts";
import { type SegmentAnswer, type SegmentRequest, workerReady } from "./segment-messages.ts";

/** Segments that a worker may have waiting, so that it is busy while this thread parses one itself. */
const maxWaiting = 2;

interface ParsingWorker {
  readonly worker: Worker;
  ready: boolean;
  readonly waiting: ((answer: SegmentAnswer) => void)[];
}

/**
 * Parses segments on this thread and on workers, whoever is free, and gives the results in the order of the segments. A
 * worker takes part once it has started, so a short file is done before.
 */
export class SegmentPool {
  readonly #parser: SegmentParser;
  readonly #layout: RatingsLayout;
  readonly #workers: ParsingWorker[];
  readonly #onSegment: (segment: RatingsSegment) => void;
  /** Results in order; the first of them goes out when it is there. */
  readonly #results: (RatingsSegment | null)[] = [];
  readonly #spareMemory: ArrayBuffer[] = [];
  #sent = 0;
  #failure: NcfError | null = null;
  #wake: (() => void) | null = null;

  /**
   * @param workers threads beside this one
   * @param onSegment takes the segments in their order
   */
  constructor(layout: RatingsLayout, workers: number, onSegment: (segment: RatingsSegment) => void) {
    this.#layout = layout;
    this.#parser = new SegmentParser(layout);
    this.#onSegment = onSegment;
    this.#workers = Array.from({ length: workers }, () => this.#startWorker());
  }

  /**
   * Parses the segment in the first `length` bytes, now or on a worker. The caller must go on with the memory that it
   * gets back, which has the same size.
   *
   * @throws NcfError `LINE_TOO_LONG`, `WORKER_FAILED`
   */
  parse(memory: ArrayBuffer, length: number): ArrayBuffer {
    if (this.#failure !== null) throw this.#failure;
    const place = this.#sent++;
    const free = this.#workers.filter(({ ready, waiting }) => ready && waiting.length < maxWaiting);
    const [worker] = free.sort((a, b) => a.waiting.length - b.waiting.length);
    this.#results.push(null);
    if (worker === undefined) {
      this.#deliver(place, this.#parser.parse(new Uint8Array(memory, 0, length)));
      return memory;
    }
    worker.waiting.push((answer) => {
      if ("code" in answer) return this.#fail(new NcfError(answer.code, answer.message));
      this.#spareMemory.push(answer.memory);
      this.#deliver(place, answer.segment);
    });
    const spare = this.#spareMemory.pop() ?? new ArrayBuffer(memory.byteLength);
    const request: SegmentRequest = { layout: this.#layout, memory, length };
    worker.worker.postMessage(request, [memory]);
    return spare;
  }

  /** Waits until all segments went out. @throws NcfError `LINE_TOO_LONG`, `WORKER_FAILED` */
  async finish(): Promise<void> {
    while (this.#results.length > 0 && this.#failure === null) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#failure !== null) throw this.#failure;
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map(({ worker }) => worker.terminate()));
  }

  #startWorker(): ParsingWorker {
    const worker = new Worker(new URL("./segment-thread.mjs", import.meta.url), { execArgv: [] });
    const entry: ParsingWorker = { worker, ready: false, waiting: [] };
    worker.on("message", (message: SegmentAnswer | typeof workerReady) => {
      if (message === workerReady) entry.ready = true;
      else entry.waiting.shift()?.(message);
    });
    worker.on("error", (cause) => {
      this.#fail(new NcfError("WORKER_FAILED", `a thread that parses ratings failed: ${String(cause)}`, { cause }));
    });
    return entry;
  }

  #deliver(place: number, segment: RatingsSegment): void {
    this.#results[place - (this.#sent - this.#results.length)] = segment;
    while (this.#results.length > 0 && this.#results[0] !== null) {
      this.#onSegment(this.#results.shift() as RatingsSegment);
    }
    this.#wake?.();
  }

  #fail(error: NcfError): void {
    this.#failure ??= error;
    this.#wake?.();
  }
}
