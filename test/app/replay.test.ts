import { describe, expect, it } from "vitest";
import { MemoryInteractionLog } from "../../src/adapters/local/memory-interaction-log.ts";
import { MemoryObjectStore } from "../../src/adapters/local/memory-object-store.ts";
import { type ReplayEvent, type ReplayRequest, type ReplayResult, replay } from "../../src/app/replay.ts";
import { mix } from "../../src/core/rng.ts";
import { TimeWindows } from "../../src/streaming/time-windows.ts";
import { UserHistories } from "../../src/streaming/user-histories.ts";
import { modelOf, touchyScore } from "../streaming/fixtures.ts";

/** Users' events in order of time, as a log of everybody's interactions has them. */
function eventsOf(count: number, users: number, items: number): ReplayEvent[] {
  return Array.from({ length: count }, (_, i) => ({
    userId: `user ${mix(i, 1, 2) % users}`,
    itemId: String(1 + (mix(i, 3, 4) % items)),
    timestampMs: 1000 + 40 * i,
  }));
}

function run(changes: Partial<ReplayRequest> = {}, log = new MemoryInteractionLog()): Promise<ReplayResult> {
  return replay(
    { log, store: new MemoryObjectStore() },
    {
      events: eventsOf(400, 12, 300),
      model: modelOf(300, { score: touchyScore(5) }),
      base: { id: "none", histories: new UserHistories() },
      windows: TimeWindows.ofSizeAndGrace(4000, 0),
      partitions: 1,
      seed: 3,
      allowLeak: false,
      ...changes,
    },
  );
}

describe("replay", () => {
  it("accounts for every event in final windows", async () => {
    const { windows, events } = await run();
    expect(events).toBe(400);
    expect(windows.every(({ final }) => final)).toBe(true);
    expect(windows.map(({ startMs }) => startMs)).toEqual([0, 4000, 8000, 12000, 16000]);
    const counted = windows.reduce((sum, w) => sum + w.cases + w.repeats + w.unknownItems + w.late, 0);
    expect(counted).toBe(400);
    expect(windows.at(-1)?.total.cases).toBe(windows.reduce((sum, w) => sum + w.cases, 0));
  });

  it("gives the same reports for any number of partitions", async () => {
    const expected = await run();
    // Not a provable figure: that the model's scores matter at all.
    expect((await run({ model: modelOf(300) })).windows).not.toEqual(expected.windows);
    for (const partitions of [2, 5]) expect(await run({ partitions })).toEqual(expected);
  });

  it("gives a constant scorer 0.10", async () => {
    const { windows } = await run({ model: modelOf(300) });
    for (const window of windows) expect(window.hrAt10).toBeCloseTo(0.1, 9);
  });

  it("counts what snapshot 0 holds as repeats", async () => {
    const histories = new UserHistories();
    const events = eventsOf(1, 1, 300);
    const [{ itemId }] = events;
    const base = { id: "one", histories };
    const fresh = await run({ events: [{ ...events[0], userId: "7" }], base });
    expect(fresh.windows[0]).toMatchObject({ cases: 1, repeats: 0 });
    histories.append(7, Number(itemId), 10, false);
    const known = await run({ events: [{ ...events[0], userId: "7" }], base });
    expect(known.windows[0]).toMatchObject({ cases: 0, repeats: 1 });
  });

  it("says in which window HR@10 fell below its running level, and in none where it did not", async () => {
    const items = 4000;
    const byIndex = modelOf(items, {
      score: (_user, _history, of, scores) => scores.set(of),
    });
    // An item from the model's favourites, which hits, at a rate that falls in the thirteenth window of 100 events.
    const falling = (rate: number) =>
      eventsOf(2000, 90, items).map((event, i) => {
        const hits = mix(i, 5, 6) % 100 < (event.timestampMs < 48_000 ? 70 : rate);
        return { ...event, itemId: String((hits ? items - 200 : 1) + (mix(i, 7, 8) % 200)) };
      });
    expect((await run({ model: byIndex, events: falling(70) })).drifts).toEqual([]);
    const { drifts } = await run({ model: byIndex, events: falling(20) });
    expect(drifts).toHaveLength(1);
    expect(drifts[0]).toBeGreaterThanOrEqual(48_000);
    expect(drifts[0]).toBeLessThanOrEqual(56_000);
  });

  it("refuses events that the model may have learnt from, and an empty stream", async () => {
    const model = modelOf(300, { cutOffMs: 5000 });
    await expect(run({ model })).rejects.toMatchObject({ code: "LEAK" });
    const leaky = await run({ model, allowLeak: true });
    expect(leaky.windows.reduce((sum, w) => sum + w.leaked, 0)).toBeGreaterThan(0);
    await expect(run({ events: [] })).rejects.toMatchObject({ code: "REPLAY_EMPTY" });
  });
});
