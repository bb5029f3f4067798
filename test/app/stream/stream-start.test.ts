import { beforeAll, describe, expect, it } from "vitest";
import { MemoryInteractionLog } from "../../../src/adapters/local/memory-interaction-log.ts";
import { MemoryObjectStore } from "../../../src/adapters/local/memory-object-store.ts";
import { ObjectStoreRegistry } from "../../../src/adapters/registry/object-store-registry.ts";
import { type ModelToPublish, publishModel } from "../../../src/app/published-model.ts";
import { defaultTopics } from "../../../src/app/stream/stream-settings.ts";
import { type StreamRequest, startStream } from "../../../src/app/stream/stream-start.ts";
import { StreamVersions } from "../../../src/app/stream/stream-versions.ts";
import { createScorer } from "../../../src/ncf/wasm/scorer.ts";
import { twoTastesToPublish } from "../serving/two-tastes.ts";
import { settings } from "./member-in-process.ts";

const request: StreamRequest = { ...settings, mapping: {}, from: "earliest" };

let published: ModelToPublish;
beforeAll(async () => {
  ({ published } = await twoTastesToPublish());
});

async function world() {
  const log = new MemoryInteractionLog();
  await log.createTopic(defaultTopics.interactions, 2);
  const store = new MemoryObjectStore();
  const registry = new ObjectStoreRegistry(store);
  return {
    log,
    store,
    registry,
    versions: new StreamVersions({ registry, topic: defaultTopics.interactions, createScorer }),
  };
}

describe("the start of a stream", () => {
  it("takes the champion as the group's first version, and keeps to it", async () => {
    const deps = await world();
    await expect(startStream(deps, request)).rejects.toMatchObject({ code: "NO_CHAMPION", retriable: true });
    const { version } = await publishModel(deps.registry, published);
    await deps.registry.promote(version);
    const settings = await startStream(deps, request);
    // As after a rollback to it.
    expect(await deps.versions.load(version)).toBe(settings.schedule.first);
    expect(settings.schedule.first).toMatchObject({ version, cutOffMs: 24_000 });
    expect(settings.base.histories.userCount).toBe(60);
    expect(settings.startOffsets).toEqual([0, 0]);
    const { version: next } = await publishModel(deps.registry, { ...published, metrics: { other: 1 } });
    await deps.registry.promote(next);
    expect((await startStream(deps, request)).schedule.first.version).toBe(version);
    // Two groups would mix their records.
    await expect(startStream(deps, { ...request, group: "new" })).rejects.toMatchObject({
      code: "OUTPUTS_TAKEN",
      message: expect.stringContaining("--topic-prefix"),
    });
    const topics = { ...defaultTopics, windowPartials: "new.window-partials" };
    expect((await startStream(deps, { ...request, group: "new", topics })).schedule.first.version).toBe(next);
  });

  it("begins where it is told to, and another member's wish changes nothing", async () => {
    const deps = await world();
    const { version } = await publishModel(deps.registry, published);
    await deps.registry.promote(version);
    for (let i = 0; i < 20; i++) {
      await deps.log.append(defaultTopics.interactions, [{ key: String(i), value: null, timestampMs: 100 * i }]);
    }
    const ends = [0, 1].map((partition) => deps.log.endOffset(defaultTopics.interactions, partition));
    const startOf = async (group: string, from: StreamRequest["from"]) =>
      (
        await startStream(deps, {
          ...request,
          group,
          from,
          topics: { ...defaultTopics, windowPartials: `${group}.parts` },
        })
      ).startOffsets;
    expect(await startOf("a", "latest")).toEqual(await Promise.all(ends));
    expect(await startOf("a", "earliest")).toEqual(await Promise.all(ends));
    const [one, two] = (await startOf("b", { timeMs: 1000 })) ?? [];
    for (const [partition, offset] of [one, two].entries()) {
      const { records } = await deps.log.read(defaultTopics.interactions, partition, 0, 100);
      expect(offset).toBe(records.find(({ timestampMs }) => timestampMs >= 1000)?.offset);
    }
    expect(await startOf("c", { timeMs: 1e9 })).toEqual(await Promise.all(ends));
  });

  it("refuses settings that are not the group's, naming them", async () => {
    const deps = await world();
    const { version } = await publishModel(deps.registry, published);
    await deps.registry.promote(version);
    await startStream(deps, request);
    await expect(startStream(deps, { ...request, seed: 2, maxAheadMs: 5 })).rejects.toMatchObject({
      code: "GROUP_CHANGED",
      message: expect.stringMatching(/seed 1, not 2; maxAheadMs 1000, not 5.*new group/s),
    });
    await deps.store.put("streams/live.json", Uint8Array.of(123));
    await expect(startStream(deps, request)).rejects.toMatchObject({ code: "FILE_DAMAGED" });
  });

  it("refuses an input without interactions, or that is not keyed by user, with the way out", async () => {
    const deps = await world();
    const { version } = await publishModel(deps.registry, published);
    await deps.registry.promote(version);
    const send = (key: string, event: object) =>
      deps.log.append(defaultTopics.interactions, [{ key, value: new TextEncoder().encode(JSON.stringify(event)) }]);
    await send("a", { customer: 1, sku: 2, ts: 3 });
    await expect(startStream(deps, request)).rejects.toMatchObject({
      code: "INPUT_UNREADABLE",
      message: expect.stringContaining("ncf stream inspect --topic interactions"),
    });
    for (let i = 0; i < 20; i++) await send(String(i), { userId: "one", itemId: i, timestampMs: i });
    await expect(startStream(deps, request)).rejects.toMatchObject({
      code: "INPUT_NOT_KEYED",
      message: expect.stringMatching(/1 of 1 users in several.*ncf stream rekey --topic interactions/),
    });
  });
});
