/** What the queues in memory and in a folder have in common. */
import { setTimeout as sleep } from "node:timers/promises";
import { NcfError } from "../../core/errors.ts";
import type { JobMessage, ReceiveOptions } from "../../ports/job-queue.ts";

export interface LocalJobQueueOptions {
  /** Deliveries after which a job that comes back is a dead letter, 1 to 1,000; `never` for a queue without dead letters. */
  readonly maxReceives: number | "never";
  /** Milliseconds since 1970; the system's clock by default. */
  readonly nowMs?: () => number;
}

/** @throws NcfError `JOB_INVALID` */
export function checkMaxReceives(maxReceives: number | "never"): void {
  if (maxReceives === "never" || (Number.isInteger(maxReceives) && maxReceives >= 1 && maxReceives <= 1000)) return;
  throw new NcfError("JOB_INVALID", `expected maxReceives to be 1 to 1,000 or "never", found ${maxReceives}`);
}

/** Visibility runs out, and other processes send, without a sign: so often a waiting receiver looks again. */
const lookAgainMs = 50;

/** Takes what there is, again and again until there is something or the time is up. */
export async function receiveWaiting(
  take: () => Promise<JobMessage[]>,
  { waitSeconds = 0, signal }: ReceiveOptions,
  nowMs: () => number,
): Promise<JobMessage[]> {
  const endMs = nowMs() + 1000 * waitSeconds;
  for (;;) {
    const messages = await take();
    if (messages.length > 0 || nowMs() >= endMs || signal?.aborted === true) return messages;
    // Rejects when the signal is given, which the next round sees.
    await sleep(lookAgainMs, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  }
}
