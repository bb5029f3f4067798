/**
 * Brings a training request to the workers' queue, once. `launcher/outbox/<run>.json` holds it from before it is recorded until
 * after it is forwarded, so that a request that a crash left half-way is found and brought on.
 */
import { z } from "zod";
import { NcfError } from "../../core/errors.ts";
import { decodeJson, encodeJsonFile } from "../../core/json.ts";
import type { JobQueue } from "../../ports/job-queue.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import { parseTrainingJob, runIdOf, runPrefix, type TrainingJob } from "../jobs/training-job.ts";
import { putWhere } from "../put-where.ts";
import { failureOf, type LaunchEvent } from "./launch-events.ts";

export interface ForwardDeps {
  readonly store: ObjectStore;
  /** Takes what is forwarded. */
  readonly jobs: JobQueue;
  readonly nowMs: () => number;
  /** Never the same twice. */
  readonly newId: () => string;
  readonly tell: (event: LaunchEvent) => void;
}

const outboxPrefix = "launcher/outbox/";
/** For so long who began to forward a request may go on alone; longer than a Lambda takes that was not killed. */
const claimMs = 120_000;

const outboxSchema = z.object({ job: z.unknown(), claim: z.object({ by: z.string(), atMs: z.number() }) });

/**
 * A request that comes twice is forwarded once, except after a crash between sending and noting that: workers know a run
 * that they have done.
 *
 * @returns `known` for a request that was forwarded before, `elsewhere` while another process is forwarding it
 * @throws NcfError `RUN_TAKEN` for another request under the name of an earlier run; those of the store and the queue
 */
export async function forwardRequest(
  { store, jobs, nowMs, newId, tell }: ForwardDeps,
  job: TrainingJob,
): Promise<"forwarded" | "known" | "elsewhere"> {
  const runId = runIdOf(job);
  const forwardedKey = `${runPrefix(runId)}forwarded.json`;
  const outboxKey = `${outboxPrefix}${runId}.json`;
  const wasForwarded = async () => (await store.head(forwardedKey)) !== null;

  await checkRecorded(store, job);
  if (!(await wasForwarded())) {
    const claim = encodeJsonFile({ job, claim: { by: newId(), atMs: nowMs() } });
    const isFree = (document: unknown): boolean => {
      // A document of another form holds nobody up.
      const found = outboxSchema.safeParse(document).data;
      if (found !== undefined) checkSame(job, found.job, outboxKey);
      return found === undefined || found.claim.atMs + claimMs <= nowMs();
    };
    if (!(await putWhere(store, outboxKey, claim, isFree))) return "elsewhere";
    await store.putIfAbsent(requestKey(runId), encodeJsonFile({ job, receivedAtMs: nowMs() }));
  }
  // Again, for who had the outbox before this one may have come to its end in the meantime.
  if (await wasForwarded()) {
    await store.delete(outboxKey);
    return "known";
  }
  const jobId = await jobs.send(JSON.stringify(job));
  await store.putIfAbsent(forwardedKey, encodeJsonFile({ jobId, forwardedAtMs: nowMs() }));
  await store.delete(outboxKey);
  tell({ event: "requestForwarded", runId, jobId });
  return "forwarded";
}

/** Brings on what others left half-way. What fails is told, and left for the next time. @returns how many were forwarded */
export async function forwardLeftRequests(deps: ForwardDeps): Promise<number> {
  const { store, tell } = deps;
  let forwarded = 0;
  for (const key of await store.list(outboxPrefix)) {
    try {
      const { job } = outboxSchema.parse(decodeJson(await store.get(key)));
      if ((await forwardRequest(deps, parseTrainingJob(JSON.stringify(job)))) === "forwarded") forwarded++;
    } catch (error) {
      // Another process has forwarded it since it was listed.
      if (error instanceof NcfError && error.code === "OBJECT_NOT_FOUND") continue;
      tell({ event: "requestFailed", request: key, ...failureOf(error) });
    }
  }
  return forwarded;
}

/** The first request of a run stays. */
async function checkRecorded(store: ObjectStore, job: TrainingJob): Promise<void> {
  const key = requestKey(runIdOf(job));
  if ((await store.head(key)) === null) return;
  const { job: recorded } = z.object({ job: z.unknown() }).parse(decodeJson(await store.get(key)));
  checkSame(job, recorded, key);
}

function checkSame(job: TrainingJob, found: unknown, key: string): void {
  if (workOf(found) === workOf(job)) return;
  throw new NcfError(
    "RUN_TAKEN",
    `expected run ${runIdOf(job)} to be asked for as before, found another request of that name than in ${key}. Give the ` +
      "new one a name of its own",
  );
}

/** A stream that waits asks again: for the same, though its reason and the windows that are final by then may be others. */
function workOf(request: unknown): string {
  const job = parseTrainingJob(JSON.stringify(request));
  if (job.kind === "train") return JSON.stringify(job);
  const { group, baseVersion, ranges } = job;
  return JSON.stringify([group, baseVersion, ranges]);
}

function requestKey(runId: string): string {
  return `${runPrefix(runId)}request.json`;
}
