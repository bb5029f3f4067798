import { describe, expect, it } from "vitest";
import { MemoryObjectStore } from "../../../src/adapters/local/memory-object-store.ts";
import { reportKey } from "../../../src/app/stream/archived-report.ts";
import { ArchivedWindows } from "../../../src/app/windows-live/archived-windows.ts";
import { encodeJsonFile } from "../../../src/core/json.ts";
import { reportWith } from "../http-api/window-reports.ts";

describe("windows in the object store", () => {
  it("come oldest first, change when they are looked at again, and settled ones are read once", async () => {
    let reads = 0;
    class Counted extends MemoryObjectStore {
      override get(key: string): Promise<Uint8Array> {
        reads += 1;
        return super.get(key);
      }
    }
    const store = new Counted();
    const put = (startMs: number, hrAt10: number, final = true, offset = 1) =>
      store.put(reportKey("live", startMs), encodeJsonFile({ offset, report: reportWith({ startMs, hrAt10, final }) }));
    for (let window = 0; window < 40; window++) await put(window, window / 100, window < 39);
    await store.put("reports/other/0.json", encodeJsonFile({}));
    let nowMs = 0;
    const windows = new ArchivedWindows({
      store,
      group: async () => "live",
      instance: "test",
      monotonicMs: () => nowMs,
      refreshMs: 1000,
    });
    const shown = async () =>
      (await windows.latest()).reports.map(({ startMs, hrAt10, final }) => ({ startMs, hrAt10, final }));
    const first = await shown();
    expect(first).toHaveLength(40);
    expect(first.at(-1)).toEqual({ startMs: 39, hrAt10: 0.39, final: false });
    expect(reads).toBe(40);
    await put(39, 0.5);
    expect((await shown()).at(-1)).toEqual({ startMs: 39, hrAt10: 0.39, final: false });
    nowMs = 1000;
    expect((await shown()).at(-1)).toEqual({ startMs: 39, hrAt10: 0.5, final: true });
    expect(reads).toBe(60);
  });
});
