import { setTimeout as timeout } from "node:timers/promises";
import { expect, it } from "vitest";
import { together } from "../../../src/app/stream/together.ts";
import { aborted } from "../../../src/core/aborted.ts";

it("works that begin together are stopped by the first that fails, and waited for", async () => {
  const ended: string[] = [];
  const closesSlowly = async (stopped: AbortSignal): Promise<void> => {
    await aborted(stopped);
    await timeout(20);
    ended.push("slow");
    throw new Error("of the stop");
  };
  const fails = async (): Promise<void> => {
    await timeout(1);
    throw new Error("first");
  };
  await expect(together(new AbortController().signal, [closesSlowly, fails])).rejects.toThrow("first");
  expect(ended).toEqual(["slow"]);
});

it("works that begin together end with the caller's signal", async () => {
  const stopping = new AbortController();
  const working = together(stopping.signal, [aborted, aborted]);
  stopping.abort();
  await working;
});
