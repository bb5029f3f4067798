import { describe, expect, it } from "vitest";
import { MemoryInteractionLog } from "../../../src/adapters/local/memory-interaction-log.ts";
import { defaultTopics } from "../../../src/app/stream/stream-settings.ts";
import { createStreamTopics } from "../../../src/app/topics/create-topics.ts";

const request = { topics: defaultTopics, partitions: 3, ownInput: false };

describe("the topics of a stream", () => {
  it("are made once, those beside the input with its partitions", async () => {
    const log = new MemoryInteractionLog();
    const created = await createStreamTopics(log, request);
    expect(created).toEqual(
      [
        ["interactions", 3],
        ["outcomes", 3],
        ["late", 3],
        ["dead-letters", 3],
        ["window-partials", 1],
        ["hit-ratio-windows", 1],
        ["model-updates", 1],
      ].map(([topic, partitions]) => ({ topic, partitions, made: true })),
    );
    expect(await createStreamTopics(log, request)).toEqual(created.map((topic) => ({ ...topic, made: false })));
    for (const { topic, partitions } of created) expect(await log.partitions(topic)).toBe(partitions);
  });

  it("have interactions stamped by the log, not by producers", async () => {
    const log = new MemoryInteractionLog({ nowMs: () => 77 });
    await createStreamTopics(log, { ...request, partitions: 1 });
    await log.append("interactions", [{ key: "1", value: null, timestampMs: 5 }]);
    expect((await log.read("interactions", 0, 0, 1)).records[0].timestampMs).toBe(77);
  });

  it("follow one's own input, which must be there", async () => {
    const log = new MemoryInteractionLog();
    const own = { ...request, topics: { ...defaultTopics, interactions: "shop.events" }, ownInput: true };
    await expect(createStreamTopics(log, own)).rejects.toMatchObject({ code: "TOPIC_UNKNOWN" });
    await log.createTopic("shop.events", 6);
    const created = await createStreamTopics(log, own);
    expect(created.map(({ topic }) => topic)).not.toContain("shop.events");
    expect(await log.partitions("outcomes")).toBe(6);
    await expect(log.partitions("interactions")).rejects.toMatchObject({ code: "TOPIC_UNKNOWN" });
  });

  it("are refused with another number of partitions, and under one name twice", async () => {
    const log = new MemoryInteractionLog();
    await createStreamTopics(log, request);
    const changing = createStreamTopics(log, { ...request, partitions: 4 });
    await expect(changing).rejects.toMatchObject({ code: "PARTITION_COUNT_CHANGED" });
    const twice = createStreamTopics(log, { ...request, topics: { ...defaultTopics, late: "outcomes" } });
    await expect(twice).rejects.toThrow(/outcomes twice/);
  });
});
