import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MemoryInteractionLog } from "../../src/adapters/local/memory-interaction-log.ts";
import { MemoryStreamGroup } from "../../src/adapters/local/memory-stream-group.ts";
import { shareOut, type TopicPartition } from "../../src/ports/stream-group.ts";

const partitionsOf = (count: number): TopicPartition[] =>
  Array.from({ length: count }, (_, partition) => ({ topic: "t", partition }));

describe("sharing partitions out", () => {
  it("gives each to one member, evenly, and leaves members what they have as far as that allows", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 6 }),
        fc.array(fc.integer({ min: -1, max: 7 }), { maxLength: 12 }),
        (memberCount, owners) => {
          const partitions = partitionsOf(owners.length);
          const members = Array.from({ length: memberCount }, (_, m) => ({
            id: `m${m}`,
            owned: partitions.filter((_, p) => owners[p] === m),
          }));
          const shares = shareOut(members, partitions);
          const all = [...shares.values()].flat().map(({ partition }) => partition);
          expect(all.sort((a, b) => a - b)).toEqual(partitions.map(({ partition }) => partition));
          const sizes = [...shares.values()].map(({ length }) => length);
          expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
          for (const { id, owned } of members) {
            const kept = (shares.get(id) ?? []).filter((place) => owned.includes(place)).length;
            expect(kept).toBeGreaterThanOrEqual(Math.min(owned.length, Math.floor(owners.length / memberCount)));
          }
          expect(shareOut([...members].reverse(), partitions)).toEqual(shares);
        },
      ),
    );
  });

  it("gives who has the windows no less of the interactions, and changes nothing without a cause", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 12 }), (memberCount, partitionCount) => {
        const partitions = [...partitionsOf(partitionCount), { topic: "windows", partition: 0 }];
        let owned = new Map<string, readonly TopicPartition[]>();
        for (let joined = 1; joined <= memberCount; joined++) {
          const members = Array.from({ length: joined }, (_, m) => ({ id: `m${m}`, owned: owned.get(`m${m}`) ?? [] }));
          owned = shareOut(members, partitions);
          const again = members.map(({ id }) => ({ id, owned: owned.get(id) ?? [] }));
          expect(shareOut(again, partitions)).toEqual(owned);
          for (const sizes of [
            [...owned.values()].map((share) => share.filter(({ topic }) => topic === "t").length),
            [...owned.values()].map(({ length }) => length),
          ]) {
            expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
          }
        }
      }),
    );
  });

  it("happens anew when a member joins or leaves", async () => {
    const log = new MemoryInteractionLog();
    await log.createTopic("t", 4);
    const groups = new MemoryStreamGroup(log);
    const assigned: Record<string, number[]> = {};
    const { signal } = new AbortController();
    const join = (name: string) =>
      groups.join({
        group: "g",
        topics: ["t"],
        signal,
        onAssigned: (places) => {
          assigned[name] = places.map(({ partition }) => partition);
        },
      });
    const first = await join("a");
    expect(assigned).toEqual({ a: [0, 1, 2, 3] });
    await join("b");
    expect(assigned).toEqual({ a: [0, 1], b: [2, 3] });
    await first.leave();
    expect(assigned.b).toEqual([2, 3, 0, 1]);
    await expect(groups.join({ group: "g", topics: ["none"], onAssigned: () => {}, signal })).rejects.toMatchObject({
      code: "TOPIC_UNKNOWN",
    });
  });
});
