import { describe, expect, it } from "vitest";
import { MemoryInteractionLog } from "../../../src/adapters/local/memory-interaction-log.ts";
import { committedRecords } from "../../../src/app/stream/committed-records.ts";
import type { InteractionLog } from "../../../src/ports/interaction-log.ts";

const place = { topic: "t", partition: 0 };

async function logOf(count: number): Promise<MemoryInteractionLog> {
  const log = new MemoryInteractionLog();
  await log.createTopic("t", 1);
  await log.append(
    "t",
    Array.from({ length: count }, (_, i) => ({ key: String(i), value: null })),
  );
  return log;
}

async function keys(log: InteractionLog, to: number): Promise<(string | null)[]> {
  const read: (string | null)[] = [];
  for await (const { key } of committedRecords(log, place, { from: 0, to, atOnce: 3 })) read.push(key);
  return read;
}

describe("records up to a committed offset", () => {
  it("are read up to there", async () => {
    expect(await keys(await logOf(10), 7)).toEqual(["0", "1", "2", "3", "4", "5", "6"]);
  });

  it("are waited for where a partition's new leader does not know yet that they are committed", async () => {
    const log = await logOf(7);
    let reads = 0;
    const lagging = new Proxy(log, {
      get: (of, name) => {
        const method = Reflect.get(of, name) as (...args: unknown[]) => Promise<unknown>;
        return async (...args: unknown[]) => {
          reads += name === "read" ? 1 : 0;
          return name === "read" && reads % 2 === 0 ? { records: [], nextOffset: args[2] } : method.apply(of, args);
        };
      },
    });
    expect(await keys(lagging, 7)).toEqual(["0", "1", "2", "3", "4", "5", "6"]);
  });

  it("must be there", async () => {
    await expect(keys(await logOf(5), 7)).rejects.toMatchObject({ code: "OFFSET_OUT_OF_RANGE" });
  });
});
