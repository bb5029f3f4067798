import { NcfError } from "../core/errors.ts";

/**
 * Jobs that wait for a worker, with the semantics of an SQS standard queue: a job is delivered at least once, in no
 * promised order, and stays hidden from others while its receiver works on it. Whoever must not do a job twice holds a
 * lease besides.
 */

export interface JobMessage {
  /** As `send` gave it; the same at every delivery. */
  readonly id: string;
  readonly body: string;
  /** Stands for this delivery; the next one has another. */
  readonly receipt: string;
  /** How often it was delivered, this time included: 1 for the first. About right where a queue counts loosely. */
  readonly receiveCount: number;
}

export interface ReceiveOptions {
  /** 1 to 10; 1 by default. */
  readonly max?: number;
  /** For how long others do not see the jobs: 0 to 43,200 (12 hours). */
  readonly visibilityTimeoutSeconds: number;
  /** For how long to wait for a first job: 0 to 20; 0 by default. */
  readonly waitSeconds?: number;
  /** Ends the waiting early, as if its time were up. */
  readonly signal?: AbortSignal;
}

/** How many jobs there are, about. */
export interface JobCounts {
  /** Waiting for a receiver. */
  readonly ready: number;
  /** Delivered, hidden, not deleted. */
  readonly inFlight: number;
  /** In the dead-letter queue. 0 where there is none. */
  readonly deadLetters: number;
}

export interface JobQueue {
  /**
   * Where a job goes, its id and body kept, that would be delivered once more than the queue's `maxReceives`; null for a
   * queue that is one itself.
   */
  readonly deadLetters: JobQueue | null;
  /**
   * Adds a job; it is safe when this resolves.
   *
   * @returns the job's id
   * @throws NcfError `JOB_INVALID` for a body that SQS would refuse
   */
  send(body: string): Promise<string>;
  /**
   * Up to `max` jobs; none when there are none after `waitSeconds`.
   *
   * @throws NcfError `JOB_INVALID` for options outside their limits
   */
  receive(options: ReceiveOptions): Promise<JobMessage[]>;
  /**
   * Hides a delivered job for so many seconds from now on; 0 gives it back to the others at once.
   *
   * @throws NcfError `JOB_LEASE_LOST` when the visibility had run out before, whether or not another receiver has the
   *   job, or when the job was deleted: the receiver stops its work, for the job is no longer its own
   * @throws NcfError `JOB_INVALID` for seconds outside 0 to 43,200
   */
  extend(receipt: string, seconds: number): Promise<void>;
  /**
   * Removes a job that is done. The receipt of its latest delivery counts even after the visibility has run out; one of
   * an earlier delivery removes nothing and, as in SQS, is no error. (SQS itself promises no more than that the job
   * *may* stay.)
   */
  delete(receipt: string): Promise<void>;
  counts(): Promise<JobCounts>;
}

/** The largest body, in UTF-8 bytes. */
export const maxJobBytes = 262_144;

const maxVisibilitySeconds = 43_200;
// The characters that SQS refuses: controls, lone surrogates and two that are no characters.
const refused = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/u;

/** @throws NcfError `JOB_INVALID` */
export function checkJobBody(body: string): void {
  const bytes = new TextEncoder().encode(body).length;
  if (bytes === 0 || bytes > maxJobBytes) {
    throw new NcfError(
      "JOB_INVALID",
      `expected a job's body of 1 to ${maxJobBytes} bytes, found ${bytes}. Put what is large into the object store and its key here`,
    );
  }
  if (refused.test(body)) {
    throw new NcfError(
      "JOB_INVALID",
      "expected text that SQS takes, found a control character. Send JSON, which escapes it",
    );
  }
}

/** @throws NcfError `JOB_INVALID` */
export function checkReceiveOptions({ max = 1, visibilityTimeoutSeconds, waitSeconds = 0 }: ReceiveOptions): void {
  if (!Number.isInteger(max) || max < 1 || max > 10) {
    throw new NcfError(
      "JOB_INVALID",
      `expected to receive 1 to 10 jobs at a time, found ${max}. Receive again for more`,
    );
  }
  if (!Number.isInteger(waitSeconds) || waitSeconds < 0 || waitSeconds > 20) {
    throw new NcfError(
      "JOB_INVALID",
      `expected to wait for 0 to 20 whole seconds, found ${waitSeconds}. Receive again`,
    );
  }
  checkVisibilitySeconds(visibilityTimeoutSeconds);
}

/** @throws NcfError `JOB_INVALID` */
export function checkVisibilitySeconds(seconds: number): void {
  if (!Number.isInteger(seconds) || seconds < 0 || seconds > maxVisibilitySeconds) {
    throw new NcfError(
      "JOB_INVALID",
      `expected a visibility timeout of 0 to ${maxVisibilitySeconds} whole seconds, found ${seconds}. Extend it while working`,
    );
  }
}

/** What a receiver is told whose job is no longer its own. */
export function jobLeaseLost(receipt: string): NcfError {
  return new NcfError(
    "JOB_LEASE_LOST",
    `expected receipt ${receipt} to stand for a job in flight, but its visibility ran out or the job was deleted. Stop ` +
      "working on it: another receiver may have it. Extend earlier, or receive with a longer timeout",
  );
}
