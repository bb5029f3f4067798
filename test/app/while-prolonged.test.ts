import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { whileProlonged } from "../../src/app/while-prolonged.ts";

/** Prolonged each 10 ms by the answers given, the last of them for ever. */
function prolonging(answers: readonly (() => Promise<unknown>)[]) {
  const failures: unknown[] = [];
  let asked = 0;
  const settings = {
    leaseSeconds: 0.03,
    prolong: () => [answers[Math.min(asked++, answers.length - 1)]()],
    isLoss: (error: unknown) => (error as Error).message === "another has it",
    onFailure: (error: unknown) => failures.push(error),
  };
  return { settings, failures, asked: () => asked };
}

const yes = () => Promise.resolve();
const away = () => Promise.reject(new Error("no answer"));
const taken = () => Promise.reject(new Error("another has it"));

describe("work on what is held for a time", () => {
  it("goes on while it is prolonged, also where that fails for a while", async () => {
    const { settings, failures, asked } = prolonging([yes, away, yes]);
    const lost = new AbortController();
    const done = await whileProlonged(settings, lost, async () => {
      while (asked() < 4) await sleep(5);
      return "done";
    });
    expect(done).toBe("done");
    expect(failures).toEqual([new Error("no answer")]);
    expect(lost.signal.aborted).toBe(false);
    const before = asked();
    await sleep(30);
    expect(asked()).toBe(before);
  });

  it("is told that another has it, and fails for that reason", async () => {
    const { settings, failures } = prolonging([yes, taken, away]);
    const lost = new AbortController();
    const work = whileProlonged(settings, lost, async () => {
      while (!lost.signal.aborted) await sleep(5);
      throw new Error("stopped in the middle");
    });
    await expect(work).rejects.toThrow("another has it");
    expect(failures).toEqual([]);
  });

  it("ends only when no prolonging is on its way", async () => {
    let open = 0;
    const slowly = async () => {
      open += 1;
      await sleep(40);
      open -= 1;
    };
    const { settings, asked } = prolonging([slowly]);
    const work = whileProlonged(settings, new AbortController(), async () => {
      while (asked() < 3) await sleep(2);
      throw new Error("failed by itself");
    });
    await expect(work).rejects.toThrow("failed by itself");
    expect(open).toBe(0);
  });
});
