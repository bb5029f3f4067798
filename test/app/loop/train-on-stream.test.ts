import { expect, it } from "vitest";
import { MemoryJobQueue } from "../../../src/adapters/local/memory-job-queue.ts";
import { MemoryObjectStore } from "../../../src/adapters/local/memory-object-store.ts";
import { ParquetInteractionChunks } from "../../../src/adapters/parquet/parquet-interaction-chunks.ts";
import { ObjectStoreRegistry } from "../../../src/adapters/registry/object-store-registry.ts";
import { encodeFit } from "../../../src/app/fit-baseline.ts";
import { networkOf } from "../../../src/app/fitted-model.ts";
import { trainNext } from "../../../src/app/loop/train-on-stream.ts";
import { takeTrainingLease } from "../../../src/app/loop/training-lease.ts";
import { requestTraining, type TrainingRequest } from "../../../src/app/loop/training-request.ts";
import { decodeFittedModel } from "../../../src/app/model-file.ts";
import { attributesOfAll } from "../../../src/app/new-items.ts";
import { type ModelToPublish, publishModel, readPublished } from "../../../src/app/published-model.ts";
import { ChampionWatch, loadWhole } from "../../../src/app/serving/champion-watch.ts";
import { baselineKindNamed } from "../../../src/baselines/kinds.ts";
import { indexOfId, numericId } from "../../../src/core/ids.ts";
import type { NumericBackend } from "../../../src/ncf/backend.ts";
import { wasmBackend } from "../../../src/ncf/wasm/backend.ts";
import { createScorer } from "../../../src/ncf/wasm/scorer.ts";
import { refusing } from "../refusing-store.ts";
import { twoTastesToPublish } from "../serving/two-tastes.ts";

/** Fitted to the same sample; nothing for a preset. */
async function baseline(name: string, { sample, items, card }: ModelToPublish): Promise<Partial<ModelToPublish>> {
  const kind = baselineKindNamed(name);
  if (kind === null) return {};
  const input = { sample, attributes: attributesOfAll(sample.itemIds, items) };
  const model = encodeFit(await kind.fit(input, kind.defaults), input, "");
  return { model, card: { ...card, name, settings: kind.defaults } };
}

async function world(name = "mf") {
  const store = new MemoryObjectStore();
  const registry = new ObjectStoreRegistry(store);
  const { published } = await twoTastesToPublish();
  const base = await publishModel(registry, { ...published, ...(await baseline(name, published)) });
  const clock = { ms: 1_000_000 };
  const nowMs = () => clock.ms;
  const queue = new MemoryJobQueue({ maxReceives: 2, nowMs });
  const chunksOf = (group: string, partition: number) =>
    new ParquetInteractionChunks(store, `interactions/${group}/${partition}/`);
  const log: string[] = [];
  const deps = {
    store,
    registry,
    queue,
    chunksOf,
    nowMs,
    backend: wasmBackend(),
    monotonicMs: () => 0,
    log: (line: string) => log.push(line),
  };
  const request: TrainingRequest = {
    requestId: "g-1",
    group: "g",
    baseVersion: base.version,
    topic: "interactions",
    ranges: { 0: { from: 0, to: 3 } },
    reason: "window",
    createdAtMs: 1,
  };
  const event = (offset: number, userText: string, itemText: string) => ({
    offset,
    userText,
    itemText,
    userId: numericId(userText),
    itemId: numericId(itemText),
    timestampMs: 30_000 + offset,
    rating: null,
  });
  await chunksOf("g", 0).write({ from: 0, to: 3 }, [
    event(0, "new user", "2"),
    event(1, "new user", "new film"),
    event(2, "new user", "2"),
  ]);
  return { deps, clock, log, request, base };
}

const options = { epochs: 2, olderPerNew: 4, threads: 1, leaseSeconds: 60, waitSeconds: 0 };

it("a worker tunes the base on what came, publishes it once, and services can take it up", async () => {
  const { deps, request, base } = await world();
  const { registry, queue } = deps;
  expect(await trainNext(deps, options)).toBe("none");
  expect(await requestTraining(deps, request, 60_000)).toBe("requested");
  expect(await requestTraining(deps, { ...request, requestId: "g-2" }, 60_000)).toBe("inFlight");
  expect(await trainNext(deps, options)).toBe("trained");
  // Released, and not asked for again; delivered once more it trains nothing.
  expect(await requestTraining(deps, request, 60_000)).toBe("done");
  await queue.send(JSON.stringify(request));
  expect(await trainNext(deps, options)).toBe("trained");
  expect(await queue.counts()).toEqual({ ready: 0, inFlight: 0, deadLetters: 0 });
  const versions = (await registry.list()).filter((version) => version !== base.version);
  expect(versions.length).toBe(1);
  const { card, sample, items, model } = await readPublished(registry, versions[0]);
  expect(card).toMatchObject({
    cutOff: { offsets: { 0: 3 }, topic: "interactions" },
    fineTuning: { requestId: "g-1", baseVersion: base.version, ranges: { 0: { from: 0, to: 3 } } },
  });
  expect(items.find(({ id }) => id === numericId("new film"))?.title).toBe("new film");
  const user = indexOfId(sample.userIds, numericId("new user"));
  const history = sample.train.items.subarray(sample.train.offsets[user], sample.train.offsets[user + 1]);
  expect([...history].map((item) => sample.itemIds[item])).toEqual([2, numericId("new film")]);
  const scores = new Float64Array(sample.itemIds.length);
  createScorer(networkOf(model, "judged")).score(user, Int32Array.from(scores.keys()), scores);
  expect(scores.every(Number.isFinite)).toBe(true);
  await registry.promote(versions[0]);
  expect(
    (await ChampionWatch.open({ registry, load: (champion) => loadWhole(registry, createScorer, champion) })).model
      .version,
  ).toBe(versions[0]);
});

it("a worker fits a baseline anew, to what it knew and to what came", async () => {
  const { deps, request, log } = await world("item-knn");
  await requestTraining(deps, request, 60_000);
  expect(await trainNext(deps, options)).toBe("trained");
  const [base, tuned] = await Promise.all(
    (await deps.registry.list()).map((version) => readPublished(deps.registry, version)),
  );
  expect(tuned.card).toMatchObject({
    name: "item-knn",
    settings: base.card.settings,
    fineTuning: { baseVersion: base.card.version },
  });
  const expected = await baseline("item-knn", tuned as never);
  const { model } = await deps.registry.load(tuned.card.version);
  expect(decodeFittedModel(model, "tuned").model.tensors).toEqual(
    decodeFittedModel(expected.model ?? new Uint8Array(0), "expected").model.tensors,
  );
  expect(log.join()).toContain("2 new and 1500 older interactions, fitted anew");
});

it("a worker publishes nothing where all is known already", async () => {
  const { deps, request } = await world();
  await requestTraining(deps, { ...request, ranges: { 0: { from: 0, to: 0 } } }, 60_000);
  expect(await trainNext(deps, options)).toBe("nothingNew");
  expect((await deps.registry.list()).length).toBe(1);
});

it("a worker gives back what it cannot do, until it is a dead letter, and says why", async () => {
  const { deps, log, request } = await world();
  await requestTraining(deps, { ...request, ranges: { 0: { from: 0, to: 9 } } }, 60_000);
  expect(await trainNext(deps, options)).toBe("failed");
  expect(await trainNext(deps, options)).toBe("failed");
  expect(await trainNext(deps, options)).toBe("none");
  expect(await deps.queue.counts()).toMatchObject({ deadLetters: 1 });
  expect(log[0]).toContain("expected kept interactions at offsets 0 to 8, found none at 3");
  expect((await deps.registry.list()).length).toBe(1);
});

/** The backend, and when it begins to train. */
function observed(backend: NumericBackend): { backend: NumericBackend; inTraining: Promise<void> } {
  let trains = (): void => undefined;
  const inTraining = new Promise<void>((resolve) => {
    trains = resolve;
  });
  const open: NumericBackend["open"] = async (config, data, sessionOptions) => {
    const session = await backend.open(config, data, sessionOptions);
    trains();
    return session;
  };
  return { backend: { ...backend, open }, inTraining };
}

it("a worker that is stopped in the middle of training gives the job back, for another one to do", async () => {
  const { deps, log, request } = await world();
  await requestTraining(deps, request, 60_000);
  const { backend, inTraining } = observed(deps.backend);
  const stopping = new AbortController();
  const { signal } = stopping;
  const training = trainNext({ ...deps, backend }, { ...options, epochs: 1_000_000, signal });
  await inTraining;
  stopping.abort();
  expect(await training).toBe("stopped");
  expect(log.at(-1)).toContain("was stopped and goes back to the queue");
  expect(await trainNext(deps, options)).toBe("trained");
});

it("a worker that loses the lease in the middle of training stops, and publishes nothing", async () => {
  const { deps, clock, log, request } = await world();
  const { store, queue, registry } = deps;
  await requestTraining(deps, request, 60_000);
  const { backend, inTraining } = observed(deps.backend);
  const training = trainNext({ ...deps, backend }, { ...options, epochs: 1_000_000, leaseSeconds: 1 });
  await inTraining;
  // By another worker's clock the lease has expired.
  expect(await takeTrainingLease(store, { group: "g", requestId: "g-2" }, clock.ms + 10_000, 60_000)).toBe(true);
  expect(await training).toBe("failed");
  expect(log.at(-1)).toContain("found that another request has taken it over");
  expect((await registry.list()).length).toBe(1);
  expect(await queue.counts()).toMatchObject({ ready: 1, inFlight: 0 });
});

/** A store of which requests for leases are refused while `away`, as one that does not answer. */
function withoutLeases(store: MemoryObjectStore) {
  const state = { away: false, refused: 0 };
  const refuses = (_: string, key: string): boolean => {
    if (!state.away || !key.startsWith("leases/")) return false;
    state.refused += 1;
    return true;
  };
  return { store: refusing(store, refuses), state };
}

it("a worker goes on where the lease cannot be renewed for a while", async () => {
  const { deps, log, request } = await world();
  await requestTraining(deps, request, 60_000);
  const { store, state } = withoutLeases(deps.store);
  const open: NumericBackend["open"] = async (...args) => {
    state.away = true;
    await expect.poll(() => state.refused).toBeGreaterThan(0);
    state.away = false;
    return deps.backend.open(...args);
  };
  const backend = { ...deps.backend, open };
  expect(await trainNext({ ...deps, store, backend }, { ...options, leaseSeconds: 1 })).toBe("trained");
  expect(log).toContainEqual(expect.stringContaining("could not be prolonged: expected an answer"));
});

it("a worker does not make a dead letter of a job while the store is away", async () => {
  const { deps, clock, request } = await world();
  await requestTraining(deps, request, 60_000);
  const { store, state } = withoutLeases(deps.store);
  state.away = true;
  expect(await trainNext({ ...deps, store }, options)).toBe("failed");
  expect(await trainNext({ ...deps, store }, options)).toBe("none");
  state.away = false;
  clock.ms += 1000 * options.leaseSeconds;
  expect(await trainNext({ ...deps, store }, options)).toBe("trained");
});

it("a worker leaves a request whose place a later one has taken", async () => {
  const { deps, clock, log, request } = await world();
  await requestTraining(deps, request, 60_000);
  clock.ms += 60_000;
  expect(await requestTraining(deps, { ...request, requestId: "g-2" }, 60_000)).toBe("requested");
  expect(await trainNext(deps, options)).toBe("nothingNew");
  expect(log[0]).toContain("a later request of group g has taken its place");
  expect(await trainNext(deps, options)).toBe("trained");
  expect(await deps.queue.counts()).toEqual({ ready: 0, inFlight: 0, deadLetters: 0 });
  expect((await deps.registry.card((await deps.registry.list())[1])).fineTuning?.requestId).toBe("g-2");
});
