import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { MemoryInteractionLog } from "../../../src/adapters/local/memory-interaction-log.ts";
import { MemoryObjectStore } from "../../../src/adapters/local/memory-object-store.ts";
import { modelUpdateRecord } from "../../../src/app/stream/model-updates.ts";
import { PartitionWorker } from "../../../src/app/stream/partition-worker.ts";
import { defaultTopics, type StreamSettings } from "../../../src/app/stream/stream-settings.ts";
import { WindowWorker } from "../../../src/app/stream/window-worker.ts";
import { createStreamTopics } from "../../../src/app/topics/create-topics.ts";
import { topicJsonSchemas } from "../../../src/app/topics/topic-schemas.ts";
import { encodeWireEvent } from "../../../src/streaming/interaction-event.ts";
import { TimeWindows } from "../../../src/streaming/time-windows.ts";
import { settings as liveSettings } from "../stream/member-in-process.ts";

const settings: StreamSettings = {
  ...liveSettings,
  group: "test",
  windows: TimeWindows.ofSizeAndGrace(2000, 200),
  snapshotRecords: 1000,
  snapshotPartials: 1000,
};

/** Every topic of a stream of two partitions with late events and records that are none. */
async function streamed(): Promise<MemoryInteractionLog> {
  const nowMs = { value: 1000 };
  const log = new MemoryInteractionLog({ nowMs: () => nowMs.value });
  await createStreamTopics(log, { topics: defaultTopics, partitions: 2, ownInput: false });
  for (let i = 0; i < 200; i++) {
    nowMs.value = 1000 + 60 * i;
    const timestampMs = i % 23 === 22 ? nowMs.value - 5000 : nowMs.value;
    const event = { userId: `u${i % 9}`, itemId: 1 + ((i * 37) % 200), timestampMs, rating: 4.5, eventId: i };
    const value = i % 40 === 7 ? new TextEncoder().encode("{") : encodeWireEvent(event);
    await log.append("interactions", [{ key: `u${i % 9}`, value }]);
  }
  const deps = { log, store: new MemoryObjectStore() };
  for (const partition of [0, 1]) {
    const worker = await PartitionWorker.open(deps, settings, partition);
    while ((await worker.step()) > 0);
    await worker.close();
  }
  const windows = await WindowWorker.open(deps, settings);
  while ((await windows.step()).length > 0);
  await windows.close();
  const update = modelUpdateRecord("model-updates", { kind: "champion", version: "v2", fromMs: 4000 });
  await log.append("model-updates", [update]);
  return log;
}

describe("the schemas of our topics", () => {
  it("are current in docs (npx tsx scripts/write-topic-schemas.ts)", () => {
    for (const [topic, schema] of topicJsonSchemas()) {
      const file = new URL(`../../../docs/schemas/${topic}.schema.json`, import.meta.url);
      // The formatter breaks lines elsewhere.
      expect(JSON.parse(readFileSync(file, "utf8")), topic).toEqual(JSON.parse(schema));
    }
  });

  it("fit every record of a stream", async () => {
    const log = await streamed();
    for (const [topic, schema] of topicJsonSchemas()) {
      const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(JSON.parse(schema));
      let checked = 0;
      for (let partition = 0; partition < (await log.partitions(topic)); partition++) {
        for (const { value } of (await log.read(topic, partition, 0, 1e5)).records) {
          const text = new TextDecoder().decode(value ?? undefined);
          if (text === "{") continue;
          expect(validate(JSON.parse(text)), `${topic}: ${text} ${JSON.stringify(validate.errors)}`).toBe(true);
          checked += 1;
        }
      }
      expect(checked, topic).toBeGreaterThan(topic === "model-updates" ? 0 : 2);
    }
  });
});
