import { expect, it } from "vitest";
import { MemoryObjectStore } from "../../../src/adapters/local/memory-object-store.ts";
import { MemoryStreamGroup } from "../../../src/adapters/local/memory-stream-group.ts";
import { ObjectStoreRegistry } from "../../../src/adapters/registry/object-store-registry.ts";
import { ModelUpdates } from "../../../src/app/stream/model-updates.ts";
import { defaultTopics } from "../../../src/app/stream/stream-settings.ts";
import { NcfError } from "../../../src/core/errors.ts";
import { VersionSchedule } from "../../../src/streaming/version-schedule.ts";
import { facts, modelOf as publishable } from "../../conformance/model-cards.ts";
import { modelOf, touchyScore } from "../../streaming/fixtures.ts";
import { emptyLog, isRead, partitions, send, settings, start, until } from "./member-in-process.ts";

it("a stream goes on without a challenger that cannot be loaded, and tests it once it can", async () => {
  const log = await emptyLog();
  const registry = new ObjectStoreRegistry(new MemoryObjectStore());
  const { version: champion } = await registry.publish(publishable("first"));
  await registry.promote(champion);
  const fineTuning = { requestId: "r", baseVersion: champion, ranges: { 0: { from: 0, to: 0 } } };
  const card = { ...facts, cutOff: { offsets: { 0: 0 } }, fineTuning };
  const { version: tuned } = await registry.publish({ ...publishable("tuned"), card });
  const modelNamed = (version: string) => modelOf(200, { version, score: touchyScore(version === champion ? 1 : 2) });
  let damaged = true;
  const load = async (version: string) => {
    if (damaged && version === tuned) throw new NcfError("FILE_DAMAGED", "model.safetensors: another checksum");
    return modelNamed(version);
  };
  const store = new MemoryObjectStore();
  const given = {
    ...settings,
    schedule: new VersionSchedule(modelNamed(champion)),
    promotion: { leastCases: 1_000_000, leastUsers: 2, margin: 1 },
  };
  let sent = 0;
  const sendMore = async (): Promise<void> => {
    await send(log, sent, sent + 300);
    sent += 300;
    await until(() => isRead(log));
  };
  const member = () => {
    const promotions = { registry, versions: { load }, updates: new ModelUpdates(log, defaultTopics.modelUpdates) };
    const running = start({ log, store, groups: new MemoryStreamGroup(log), promotions }, given);
    const setAside = () => running.events.flatMap((of) => (of.event === "challengerSetAside" ? [of.who] : []));
    const paired = () =>
      running.events.reduce(
        (sum, of) =>
          sum + (of.event === "committed" ? of.commit.outcomes.filter((of) => of.challenger !== null).length : 0),
        0,
      );
    return { ...running, setAside, paired };
  };

  // Stage 2 does not announce what it cannot load.
  const first = member();
  await sendMore();
  await until(() => first.setAside().length > 0);
  expect(first.setAside()).toEqual(["windows"]);
  expect(first.status.setAside).toBe(1);
  damaged = false;
  await until(() => first.events.some((of) => of.event === "modelUpdate" && of.update.version === tuned));
  await sendMore();
  expect(first.paired()).toBeGreaterThan(0);
  await first.stop();

  // Nor does a partition end whose predecessor could.
  damaged = true;
  const second = member();
  await until(() => second.setAside().length === partitions);
  await sendMore();
  expect(second.paired()).toBe(0);
  expect(second.status.counts.tested).toBeGreaterThan(0);
  damaged = false;
  await until(async () => {
    await sendMore();
    return second.paired() > 0;
  });
  expect(second.setAside()).toHaveLength(partitions);
  await second.stop();
});
