/** A job queue in memory, for tests and for one-process use. */
import { randomUUID } from "node:crypto";
import {
  checkJobBody,
  checkReceiveOptions,
  checkVisibilitySeconds,
  type JobCounts,
  type JobMessage,
  type JobQueue,
  jobLeaseLost,
  type ReceiveOptions,
} from "../../ports/job-queue.ts";
import { checkMaxReceives, type LocalJobQueueOptions, receiveWaiting } from "./local-job-queue.ts";

interface Job {
  readonly id: string;
  readonly body: string;
  receipt: string;
  receiveCount: number;
  visibleAtMs: number;
}

export class MemoryJobQueue implements JobQueue {
  readonly deadLetters: MemoryJobQueue | null;
  readonly #maxReceives: number;
  readonly #nowMs: () => number;
  /** By id, in the order of sending. */
  readonly #jobs = new Map<string, Job>();

  constructor({ maxReceives, nowMs = Date.now }: LocalJobQueueOptions) {
    checkMaxReceives(maxReceives);
    this.#maxReceives = maxReceives === "never" ? Number.POSITIVE_INFINITY : maxReceives;
    this.#nowMs = nowMs;
    this.deadLetters = maxReceives === "never" ? null : new MemoryJobQueue({ maxReceives: "never", nowMs });
  }

  async send(body: string): Promise<string> {
    checkJobBody(body);
    return this.#add(randomUUID(), body);
  }

  async receive(options: ReceiveOptions): Promise<JobMessage[]> {
    checkReceiveOptions(options);
    return receiveWaiting(async () => this.#take(options), options, this.#nowMs);
  }

  async extend(receipt: string, seconds: number): Promise<void> {
    checkVisibilitySeconds(seconds);
    const job = this.#delivered(receipt);
    if (job === undefined || job.visibleAtMs <= this.#nowMs()) throw jobLeaseLost(receipt);
    job.visibleAtMs = this.#nowMs() + 1000 * seconds;
  }

  async delete(receipt: string): Promise<void> {
    const job = this.#delivered(receipt);
    if (job !== undefined) this.#jobs.delete(job.id);
  }

  async counts(): Promise<JobCounts> {
    const jobs = [...this.#jobs.values()];
    const ready = jobs.filter(({ visibleAtMs }) => visibleAtMs <= this.#nowMs()).length;
    const deadLetters = this.deadLetters === null ? 0 : this.deadLetters.#jobs.size;
    return { ready, inFlight: jobs.length - ready, deadLetters };
  }

  #add(id: string, body: string): string {
    this.#jobs.set(id, { id, body, receipt: "", receiveCount: 0, visibleAtMs: Number.NEGATIVE_INFINITY });
    return id;
  }

  #take({ max = 1, visibilityTimeoutSeconds }: ReceiveOptions): JobMessage[] {
    const taken: JobMessage[] = [];
    for (const job of this.#jobs.values()) {
      if (taken.length === max) break;
      if (job.visibleAtMs > this.#nowMs()) continue;
      if (job.receiveCount >= this.#maxReceives) {
        this.#jobs.delete(job.id);
        if (this.deadLetters !== null) this.deadLetters.#add(job.id, job.body);
        continue;
      }
      job.receipt = randomUUID();
      job.receiveCount += 1;
      job.visibleAtMs = this.#nowMs() + 1000 * visibilityTimeoutSeconds;
      taken.push({ id: job.id, body: job.body, receipt: job.receipt, receiveCount: job.receiveCount });
    }
    return taken;
  }

  #delivered(receipt: string): Job | undefined {
    return [...this.#jobs.values()].find((job) => job.receipt === receipt && job.receiveCount > 0);
  }
}
