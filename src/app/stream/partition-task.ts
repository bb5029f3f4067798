/** A partition of a member: tests its events, and keeps its interactions for training. */
import { decodeRecord } from "../../streaming/interaction-event.ts";
import { keepInteractions } from "../loop/interaction-chunks.ts";
import { atMostEvery } from "./at-most-every.ts";
import { longestWaitMs, type StreamMemberDeps, type StreamMemberSettings } from "./member-settings.ts";
import { PartitionWorker } from "./partition-worker.ts";
import { retrying } from "./retrying.ts";
import { together } from "./together.ts";

/** Records of a chunk of kept interactions at most. */
const chunkOffsets = 100_000;

/** Goes on until the signal is given. @throws what trying again does not mend */
export async function runPartition(
  deps: StreamMemberDeps,
  settings: StreamMemberSettings,
  partition: number,
  signal: AbortSignal,
): Promise<void> {
  await together(signal, [
    (stopped) => testPartition(deps, settings, partition, stopped),
    (stopped) =>
      retrying({ ...deps, who: `interactions of partition ${partition}`, signal: stopped }, (progressed) =>
        keepPartition(deps, settings, partition, stopped, progressed),
      ),
  ]);
}

/** Copies what is committed into the store, for training. */
async function keepPartition(
  { log, training, sleep }: StreamMemberDeps,
  { group, topics, startOffsets, mapping, maxAheadMs, keepIntervalMs }: StreamMemberSettings,
  partition: number,
  signal: AbortSignal,
  progressed: () => void,
): Promise<void> {
  if (training === undefined) return;
  const chunks = training.chunksOf(group, partition);
  const decode = (value: Uint8Array | null) => decodeRecord(value, mapping);
  const startOffset = startOffsets?.[partition];
  const input = { group, topic: topics.interactions, partition, startOffset, chunkOffsets, decode, maxAheadMs, signal };
  for (; !signal.aborted; await sleep(keepIntervalMs, signal)) {
    await keepInteractions({ log, chunks }, input);
    progressed();
  }
}

async function testPartition(
  deps: StreamMemberDeps,
  settings: StreamMemberSettings,
  partition: number,
  signal: AbortSignal,
): Promise<void> {
  const who = `partition ${partition}`;
  await retrying({ ...deps, who, signal }, async (progressed) => {
    const startMs = deps.monotonicMs();
    const worker = await PartitionWorker.open(deps, settings, partition);
    deps.onEvent({ event: "opened", who, offset: worker.position, ms: deps.monotonicMs() - startMs });
    try {
      await followPartition(deps, settings, worker, partition, signal, progressed);
    } finally {
      await worker.close().finally(() => deps.onEvent({ event: "closed", who, offset: worker.position }));
    }
  });
}

async function followPartition(
  { log, sleep, monotonicMs, onEvent }: StreamMemberDeps,
  { topics, commitRecords, commitIntervalMs, idleTimeoutMs, keepIntervalMs }: StreamMemberSettings,
  worker: PartitionWorker,
  partition: number,
  signal: AbortSignal,
  progressed: () => void,
): Promise<void> {
  let latestMs = monotonicMs();
  const challengerDue = atMostEvery(keepIntervalMs, monotonicMs);
  while (!signal.aborted) {
    if (challengerDue()) await worker.retryChallenger();
    const records = await worker.advance();
    if (records > 0) {
      latestMs = monotonicMs();
      // Behind, it goes on at once, while the commit is on its way.
      if (records < commitRecords) {
        await worker.settle();
        progressed();
        await sleep(commitIntervalMs, signal);
      }
      continue;
    }
    await worker.settle();
    progressed();
    const leftMs = latestMs + idleTimeoutMs - monotonicMs();
    if (!worker.idle && leftMs <= 0) {
      await worker.declareIdle();
      onEvent({ event: "idle", partition });
    }
    const timeoutMs = worker.idle ? longestWaitMs : Math.max(1, Math.min(longestWaitMs, leftMs));
    await log.waitForRecords(topics.interactions, partition, worker.position, { timeoutMs, signal });
  }
}
