/** Interactions for the log alone: each is in the log, or its sender is told that it may not be. */
import { NcfError } from "../../core/errors.ts";
import { partitionOfKey } from "../../core/murmur2.ts";
import type { InteractionLog } from "../../ports/interaction-log.ts";
import { logInteractions } from "./logged-interactions.ts";
import type { Interaction } from "./recommendation-service.ts";

export interface AcceptDeps {
  /** Opened when it is wanted; closed and opened anew after a failure. One that gives up within seconds. */
  readonly openLog: () => Promise<InteractionLog>;
  readonly topic: string;
  /** What the log has not taken by then counts as not taken. */
  readonly answerWithinMs: number;
  /** Told why the log did not take interactions. */
  readonly onError: (error: unknown) => void;
}

export interface Acceptance {
  readonly accepted: number;
  /** Places in the batch, ascending, of those that may not be in the log. Sent again, they are repeats if they are. */
  readonly notAccepted: readonly number[];
}

export class InteractionIntake {
  readonly #deps: AcceptDeps;
  #log: Promise<InteractionLog> | null = null;

  constructor(deps: AcceptDeps) {
    this.#deps = deps;
  }

  /** Appends partition by partition, so that one whose leader is away holds none of the others back. */
  async accept(interactions: readonly Interaction[]): Promise<Acceptance> {
    const { topic, onError } = this.#deps;
    const deadline = AbortSignal.timeout(this.#deps.answerWithinMs);
    const all = [...interactions.keys()];
    let log: InteractionLog;
    let groups: number[][];
    try {
      log = await within(deadline, this.#opened());
      groups = byPartition(interactions, await within(deadline, log.partitions(topic)));
    } catch (error) {
      onError(error);
      await this.#forget();
      return { accepted: 0, notAccepted: all };
    }
    const written = await Promise.allSettled(
      groups.map((places) =>
        within(
          deadline,
          logInteractions(
            log,
            topic,
            places.map((place) => interactions[place]),
          ),
        ),
      ),
    );
    const failed = written.flatMap((outcome, group) => (outcome.status === "rejected" ? groups[group] : []));
    const failure = written.find((outcome) => outcome.status === "rejected");
    if (failure !== undefined) {
      onError(failure.reason);
      await this.#forget();
    }
    return { accepted: interactions.length - failed.length, notAccepted: failed.sort((a, b) => a - b) };
  }

  #opened(): Promise<InteractionLog> {
    this.#log ??= this.#deps.openLog();
    return this.#log;
  }

  /** Its connections and what it knows of brokers may be what is wrong. */
  async #forget(): Promise<void> {
    const log = this.#log;
    this.#log = null;
    // What is under way may yet be written, and no one waits for it.
    void log?.then((opened) => opened.close()).catch(() => undefined);
  }
}

function byPartition(interactions: readonly Interaction[], partitions: number): number[][] {
  const groups: number[][] = Array.from({ length: partitions }, () => []);
  for (const [place, { userId }] of interactions.entries()) groups[partitionOfKey(userId, partitions)].push(place);
  return groups.filter((places) => places.length > 0);
}

/** @throws NcfError `LOG_UNAVAILABLE` when the signal is given first */
async function within<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  let onAbort = (): void => {};
  const late = new Promise<never>((_, reject) => {
    onAbort = () => reject(tooLate());
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    signal.removeEventListener("abort", onAbort);
    work.catch(() => undefined); // told already
  }
}

function tooLate(): NcfError {
  return new NcfError(
    "LOG_UNAVAILABLE",
    "expected the log to take interactions in time, found no answer. Check that its brokers run and can be reached from here",
    { retriable: true },
  );
}
