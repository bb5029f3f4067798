import { beforeAll, describe, expect, it } from "vitest";
import { MemoryInteractionLog } from "../../../src/adapters/local/memory-interaction-log.ts";
import { RecordedInteractions } from "../../../src/app/serving/recorded-interactions.ts";
import type { ServedModel } from "../../../src/app/serving/served-model.ts";
import { ServiceHolder } from "../../../src/app/serving/service-holder.ts";
import { textUser, twoTastes } from "./two-tastes.ts";

const watched = (userId: string, itemId: string, timestampMs = 1) => ({ userId, itemId, timestampMs });
const records = async (log: MemoryInteractionLog) =>
  (await log.read("interactions", 0, 0, 100)).records.map(({ key, value, timestampMs }) => ({
    key,
    timestampMs,
    event: JSON.parse(new TextDecoder().decode(value ?? undefined)),
  }));
let model: ServedModel;
beforeAll(async () => {
  model = await twoTastes();
});

describe("recorded interactions", () => {
  it("lie in the log by user, repeats left out, and count in a service that starts with it", async () => {
    const log = new MemoryInteractionLog({ nowMs: () => 10 });
    const holder = await ServiceHolder.open(model, log);
    await holder.record([watched("new", "1", 7), watched(textUser, "2", 8), watched("new", "1", 9)]);
    expect(await holder.record([watched("new", "1")])).toEqual({ recorded: 0, repeats: 1, unknownItems: 0 });
    expect((await records(log))[0]).toEqual({
      key: "new",
      // The log's own time: a client's may be wrong.
      timestampMs: 10,
      event: { userId: "new", itemId: "1", timestampMs: 7 },
    });
    const kept = (of: ServiceHolder) => [of.current.history("new", 9), of.current.recommend({ userId: "new", k: 5 })];
    const again = await ServiceHolder.open(model, log);
    expect(kept(again)).toEqual(kept(holder));
    expect(again.current.history("new", 9)).toMatchObject({ total: 1, items: [{ itemId: "1", timestampMs: 7 }] });
    expect(await again.record([watched("new", "1")])).toMatchObject({ repeats: 1 });
  });

  it("lie in a topic of another name on request", async () => {
    const log = new MemoryInteractionLog();
    const holder = await ServiceHolder.open(model, log, { topic: "mine" });
    await holder.record([watched("new", "1")]);
    expect(await log.endOffset("mine", 0)).toBe(1);
    const again = await ServiceHolder.open(model, log, { topic: "mine" });
    expect(again.current.history("new", 9).total).toBe(1);
    expect((await ServiceHolder.open(model, log)).current.history("new", 9).total).toBe(0);
  });

  it("are refused as a whole, and not logged, when they would not fit", async () => {
    const log = new MemoryInteractionLog();
    const holder = await ServiceHolder.open(model, log, { recorded: new RecordedInteractions(2) });
    const three = [watched("a", "1"), watched("a", "2"), watched("a", "3")];
    await expect(holder.record(three)).rejects.toMatchObject({ code: "INTERACTIONS_FULL", retriable: true });
    expect(holder.current.history("a", 9).total).toBe(0);
    expect(await records(log)).toEqual([]);
    expect(await holder.record(three.slice(1))).toMatchObject({ recorded: 2 });
  });

  it("do not count when the log does not take them", async () => {
    const log = new MemoryInteractionLog();
    const holder = await ServiceHolder.open(model, log);
    await log.close();
    await expect(holder.record([watched("a", "1")])).rejects.toThrow();
    expect(holder.current.history("a", 9).total).toBe(0);
  });

  it("are answered for in time while the log does not answer, and count once it has taken them", async () => {
    const log = new MemoryInteractionLog();
    const holder = await ServiceHolder.open(model, log, { answerWithinMs: 20 });
    let mend = (): void => {};
    const mended = new Promise<void>((resolve) => {
      mend = resolve;
    });
    const append = log.append.bind(log);
    log.append = async (...args) => {
      await mended;
      return append(...args);
    };
    const unavailable = { code: "LOG_UNAVAILABLE", retriable: true };
    await expect(holder.record([watched("a", "1"), watched("a", "2")])).rejects.toMatchObject(unavailable);
    // Nothing queues up behind it.
    await expect(holder.record([watched("b", "1")])).rejects.toMatchObject({ code: "LOG_BEHIND", retriable: true });
    expect(holder.current.history("a", 9).total).toBe(0);
    mend();
    await expect.poll(() => holder.current.history("a", 9).total).toBe(2);
    expect(await holder.record([watched("a", "1")])).toEqual({ recorded: 0, repeats: 1, unknownItems: 0 });
    expect(await holder.record([watched("b", "1")])).toMatchObject({ recorded: 1 });
    expect((await records(log)).map(({ key }) => key)).toEqual(["a", "a", "b"]);
  });

  it("of other programs are read where they can be", async () => {
    const log = new MemoryInteractionLog();
    await log.createTopic("interactions", 3);
    const value = (text: string) => new TextEncoder().encode(text);
    await log.append("interactions", [
      { key: "5", value: value('{"userId":5,"itemId":1,"timestampMs":3,"rating":4}') },
      { key: "6", value: value("no json") },
      { key: "6", value: value('{"userId":"b","itemId":"2","timestampMs":3}') },
    ]);
    const { current } = await ServiceHolder.open(model, log);
    expect(current.history("b", 9).items).toMatchObject([{ itemId: "2", timestampMs: 3 }]);
  });
});
