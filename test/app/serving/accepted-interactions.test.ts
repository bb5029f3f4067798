import { beforeEach, describe, expect, it } from "vitest";
import { MemoryInteractionLog } from "../../../src/adapters/local/memory-interaction-log.ts";
import { createInteractionsApi } from "../../../src/app/http-api/interactions-api.ts";
import { InteractionIntake } from "../../../src/app/serving/accepted-interactions.ts";
import { NcfError } from "../../../src/core/errors.ts";
import { partitionOfKey } from "../../../src/core/murmur2.ts";
import type { NewRecord } from "../../../src/ports/interaction-log.ts";
import { decodeRecord } from "../../../src/streaming/interaction-event.ts";

const topic = "interactions";
const partitions = 3;
const away = new NcfError("LOG_UNAVAILABLE", "no answer", { retriable: true });

/** Partitions of which it refuses, or never takes, records. */
class FaultyLog extends MemoryInteractionLog {
  refused = new Set<number>();
  stuck = new Set<number>();

  override async append(to: string, records: readonly NewRecord[]): Promise<void> {
    const partition = partitionOfKey(records[0].key ?? "", partitions);
    if (this.refused.has(partition)) throw away;
    if (this.stuck.has(partition)) await new Promise(() => {});
    await super.append(to, records);
  }

  override async close(): Promise<void> {}
}

let log: FaultyLog;
let opened: number;
let troubles: unknown[];
beforeEach(async () => {
  log = new FaultyLog();
  await log.createTopic(topic, partitions);
  [opened, troubles] = [0, []];
});

function intake(open = async () => log): InteractionIntake {
  const openLog = async () => {
    opened += 1;
    return open();
  };
  return new InteractionIntake({ openLog, topic, answerWithinMs: 200, onError: (error) => troubles.push(error) });
}

const batch = Array.from({ length: 12 }, (_, i) => ({ userId: `u${i}`, itemId: "1", timestampMs: 5 + i }));
const partitionOf = (place: number): number => partitionOfKey(batch[place].userId, partitions);
const placesIn = (partition: number): number[] => [...batch.keys()].filter((place) => partitionOf(place) === partition);

async function logged(): Promise<string[]> {
  const users: string[] = [];
  for (let partition = 0; partition < partitions; partition++) {
    for (const { value } of (await log.read(topic, partition, 0, 100)).records) {
      const decoded = decodeRecord(value);
      if (decoded.kind === "event") users.push(decoded.event.userText);
    }
  }
  return users.sort();
}

describe("interactions for the log", () => {
  it("are accepted when they are in it", async () => {
    const taking = intake();
    expect(await taking.accept(batch)).toEqual({ accepted: 12, notAccepted: [] });
    expect(await taking.accept([batch[0]])).toEqual({ accepted: 1, notAccepted: [] });
    expect(await logged()).toHaveLength(13);
    expect(opened).toBe(1);
  });

  it.each(["refused", "stuck"] as const)(
    "that one partition has %s are named, the others are accepted",
    async (fault) => {
      log[fault].add(1);
      const taking = intake();
      expect(await taking.accept(batch)).toEqual({ accepted: 12 - placesIn(1).length, notAccepted: placesIn(1) });
      expect(await logged()).toEqual(
        batch
          .filter((_, place) => partitionOf(place) !== 1)
          .map(({ userId }) => userId)
          .sort(),
      );
      expect(troubles).toMatchObject([{ code: "LOG_UNAVAILABLE" }]);
      log[fault].clear();
      expect(await taking.accept(placesIn(1).map((place) => batch[place]))).toMatchObject({ notAccepted: [] });
      expect(opened).toBe(2);
    },
  );

  it("are all named while the log cannot be opened, does not open in time, or lacks the topic", async () => {
    const all = [...batch.keys()];
    let tries = 0;
    const taking = intake(async () => {
      tries += 1;
      if (tries === 1) throw away;
      if (tries === 2) return new Promise<never>(() => {});
      return tries === 3 ? new FaultyLog() : log;
    });
    for (const code of ["LOG_UNAVAILABLE", "LOG_UNAVAILABLE", "TOPIC_UNKNOWN"]) {
      expect(await taking.accept(batch)).toEqual({ accepted: 0, notAccepted: all });
      expect(troubles.at(-1)).toMatchObject({ code });
    }
    expect(await taking.accept(batch)).toMatchObject({ accepted: 12 });
  });
});

describe("POST /interactions by itself", () => {
  const api = () => {
    const taking = intake();
    const accept = (interactions: Parameters<typeof taking.accept>[0]) => taking.accept(interactions);
    const answer = createInteractionsApi({ accept, version: "1", nowMs: () => 1000, onError: (e) => troubles.push(e) });
    return async (body: unknown) => {
      const headers = { "content-type": "application/json" };
      const response = await answer(
        new Request("http://x/interactions", { method: "POST", headers, body: JSON.stringify(body) }),
      );
      return {
        status: response.status,
        retryAfter: response.headers.get("retry-after"),
        body: (await response.json()) as { errors: { field: string }[] },
      };
    };
  };

  it("says how many it took, and gives each without a time the server's", async () => {
    const post = api();
    expect(await post({ userId: "a", itemId: "1" })).toMatchObject({ status: 200, body: { accepted: 1 } });
    expect(await post({ interactions: [{ userId: "b", itemId: "1" }] })).toMatchObject({ body: { accepted: 1 } });
    const partition = partitionOfKey("a", partitions);
    const [{ value }] = (await log.read(topic, partition, 0, 1)).records;
    expect(decodeRecord(value)).toMatchObject({ event: { userText: "a", timestampMs: 1000 } });
  });

  it("answers 503 with the ones that are not accepted", async () => {
    log.refused.add(1);
    const { status, retryAfter, body } = await api()({
      interactions: batch.map((one) => ({ ...one, timestampMs: 1 })),
    });
    expect([status, retryAfter]).toEqual([503, "5"]);
    expect(body).toMatchObject({ errors: placesIn(1).map((place) => ({ field: `interactions[${place}]` })) });
    log.refused = new Set([0, 1, 2]);
    expect(await api()({ userId: "a", itemId: "1" })).toMatchObject({
      status: 503,
      body: { errors: [{ field: "body" }] },
    });
  });

  it("refuses what is none before anything is taken", async () => {
    const ahead = { userId: "a", itemId: "1", timestampMs: 1000 + 61_000 };
    const { status, body } = await api()({ interactions: [{ userId: "a", itemId: "1" }, ahead] });
    expect([status, body.errors[0].field]).toEqual([400, "interactions[1].timestampMs"]);
    expect((await api()({ userId: 5, itemId: "1" })).status).toBe(400);
    expect(await logged()).toEqual([]);
  });
});
