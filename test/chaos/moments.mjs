/**
 * Loaded into a processor before its program (`node --import`): kills it at the moment that the file `NCF_CHAOS_ARMED` names. Who
 * renames the file is the one to die, so that it is one of those that share it. What the moments mean: moments.ts.
 */
import { readFileSync, renameSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

if (!process.features.typescript) (await import("tsx/esm/api")).register();
const { FileObjectStore } = await import("../../src/adapters/local/file-object-store.ts");
const { default: Broker } = await import("kafkajs/src/broker/index.js");

const file = process.env.NCF_CHAOS_ARMED;

function isArmed(moment) {
  try {
    return readFileSync(file, "utf8") === moment;
  } catch {
    return false;
  }
}

function reached(moment) {
  if (!isArmed(moment)) return;
  try {
    renameSync(file, `${file}.${process.pid}`);
  } catch {
    // Another one was faster.
    return;
  }
  process.kill(process.pid, "SIGKILL");
}

/** Puts `around(method, ...args)` in the place of a method. */
function wrap(owner, name, around) {
  const method = owner.prototype[name];
  owner.prototype[name] = function (...args) {
    return around(method.bind(this), ...args);
  };
}

const stageOf = (transactionalId) => {
  const [, name] = /-(p\d+|windows|reports)$/.exec(transactionalId ?? "") ?? [];
  return name?.startsWith("p") ? "partition" : name;
};
/** Transactional ids taken over that have begun no transaction yet; those whose transaction was decided. */
const [fresh, decided] = [new Set(), new Set()];

function begins({ transactionalId }) {
  if (fresh.delete(transactionalId)) reached(`${stageOf(transactionalId)}, takeover: before the first commit`);
  decided.delete(transactionalId);
}

wrap(Broker, "initProducerId", async (method, request) => {
  const answer = await method(request);
  fresh.add(request.transactionalId);
  reached(`${stageOf(request.transactionalId)}, takeover: fenced`);
  return answer;
});
wrap(Broker, "addPartitionsToTxn", (method, request) => {
  begins(request);
  return method(request);
});
wrap(Broker, "addOffsetsToTxn", (method, request) => {
  begins(request);
  reached(`${stageOf(request.transactionalId)}, transaction: records sent`);
  return method(request);
});
wrap(Broker, "endTxn", async (method, request) => {
  const { transactionalId, transactionResult } = request;
  // Asked again, it tells that the markers are written.
  if (!transactionResult || decided.has(transactionalId)) return method(request);
  const moment = `${stageOf(transactionalId)}, transaction:`;
  reached(`${moment} offsets sent`);
  const answering = method(request);
  if (isArmed(`${moment} commit sent`)) {
    answering.catch(() => undefined);
    await sleep(1);
    reached(`${moment} commit sent`);
  }
  const answer = await answering;
  decided.add(transactionalId);
  reached(`${moment} decided`);
  return answer;
});

const snapshotStage = (key) => {
  const [, of] = /^snapshots\/[^/]+\/(\d+|windows)\//.exec(key) ?? [];
  return of === undefined || of === "windows" ? of : "partition";
};

/** The body in two parts; between them the first lies in the file. */
async function* halves(body, moment) {
  const middle = body.length >> 1;
  yield body.subarray(0, middle);
  reached(moment);
  yield body.subarray(middle);
}

wrap(FileObjectStore, "put", async (method, key, body) => {
  const stage = snapshotStage(key);
  if (stage === undefined) return method(key, body);
  const info = await method(key, halves(body, `${stage}, snapshot: half written`));
  reached(`${stage}, snapshot: written`);
  return info;
});
wrap(FileObjectStore, "get", async (method, key) => {
  const bytes = await method(key);
  reached(`${snapshotStage(key)}, takeover: snapshot read`);
  return bytes;
});
for (const name of ["putIfAbsent", "putIfMatch"]) {
  wrap(FileObjectStore, name, (method, key, body, ...more) =>
    method(key, key.startsWith("reports/") ? halves(body, "reports, half written") : body, ...more),
  );
}
