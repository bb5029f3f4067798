/**
 * Outages under load: the store is slow, refuses, its disk is full, the broker is away. The processor waits, says so, takes no
 * more memory, and loses nothing. Seconds each where `NCF_KAFKA` says that Kafka can run here; a minute with `npm run chaos`.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FileObjectStore } from "../../src/adapters/local/file-object-store.ts";
import type { NewRecord } from "../../src/ports/interaction-log.ts";
import { chaosRecords } from "./events.ts";
import { ChaosStand, hourMs, type Processor } from "./stand.ts";
import { WatchedProcessor } from "./watched-processor.ts";

const enabled = process.env.NCF_KAFKA !== undefined;
if (!enabled && process.env.CI_REQUIRE_SERVICES === "1") {
  it("finds a Kafka, as CI_REQUIRE_SERVICES=1 demands", () => expect.fail("set NCF_KAFKA"));
}
const outageMs = 1_000 * Number(process.env.NCF_CHAOS_OUTAGE_S ?? 6);
const isLong = outageMs >= 60_000;
/** A request to a broker is repeated so long before anything is said. */
const retryMs = Math.min(30_000, outageMs / 2);
/** Events of an outage. */
const burst = isLong ? 30_000 : 10_000;
const group = "outages";
/** More than the size of a heap that has not been swept yet; the events of an outage would take more. */
const mostGrowthMb = 60;
const diskBytes = 8_000_000;

describe.skipIf(!enabled)(`a stream in outages of ${outageMs / 1000} s${enabled ? "" : " (set NCF_KAFKA)"}`, () => {
  const disk = enabled ? mountedDisk() : null;
  const args = ["--commit-interval", "100", "--snapshot-records", "1000", "--snapshot-partials", "20"];
  let stand: ChaosStand;
  let records: readonly NewRecord[];
  let sent = 0;
  let processor: Processor;
  let watched: WatchedProcessor;
  let usualMb: number;
  const growth: Record<string, string> = {};
  const store = (state: string) => writeFileSync(stand.at("store-is"), state);

  beforeAll(async () => {
    stand = await ChaosStand.open();
    store("well");
    const count = 8 * burst;
    records = chaosRecords({
      count,
      startMs: Math.floor(Date.now() / hourMs) * hourMs - 400 * hourMs,
      stepMs: Math.floor((300 * hourMs) / count),
      graceMs: 600_000,
      users: 20_000,
      items: [...(await stand.items()), "unheard-of"],
      seed: 1,
    });
    processor = stand.processor(group, {
      args: [...args, ...(disk === null ? [] : ["--store", disk])],
      preload: fileURLToPath(new URL("outages.mjs", import.meta.url)),
      // A heap that swept memory does not fill, and that what came in an outage would.
      nodeOptions: "--max-old-space-size=96",
      env: { NCF_CHAOS_STORE: stand.at("store-is"), NCF_CHAOS_RETRY_MS: String(retryMs) },
    });
    watched = await WatchedProcessor.of(processor);
    await send();
    await stand.caughtUp(group, [processor]);
    usualMb = watched.takePeakMb();
  }, 180_000);
  afterAll(async () => {
    await stand.close();
    if (disk !== null) unmount(disk);
    watched.close();
    console.log(`memory: ${usualMb.toFixed(0)} MB before; at most in an outage: ${JSON.stringify(growth)}`);
  });

  async function send(): Promise<void> {
    for (const upTo = sent + burst; sent < upTo; sent += 500) await stand.send(records.slice(sent, sent + 500));
  }

  /** An outage under load. @param sees is called while it lasts; then it lasts until its time is over */
  async function outage(name: string, lastsMs: number, sees: () => Promise<void>, ends: () => Promise<void>) {
    const endsMs = Date.now() + lastsMs;
    await sees();
    await sleep(Math.max(0, endsMs - Date.now()));
    await ends();
    await stand.caughtUp(group, [processor]);
    await watched.until("it is ready", () => watched.isReady());
    const peakMb = watched.takePeakMb();
    growth[name] = `${peakMb.toFixed(0)} MB`;
    expect(peakMb - usualMb).toBeLessThan(mostGrowthMb);
  }

  const waitingFor = async (who: string) => (await watched.health()).waiting.find((waiting) => waiting.who === who);
  const snapshotFailures = () => watched.metric("ncf_stream_snapshot_failures_total");

  it("tests on while the store is slow", { timeout: 300_000 + 2 * outageMs }, async () => {
    const sees = async (): Promise<void> => {
      store(`slow ${outageMs / 2000}`);
      await send();
      await watched.until("all is tested", () => stand.isTested(group));
      expect(await watched.isReady()).toBe(true);
    };
    await outage("store slow", outageMs, sees, async () => store("well"));
  });

  it("tests on while the store refuses, and says what waits", { timeout: 300_000 + 2 * outageMs }, async () => {
    const sees = async (): Promise<void> => {
      const before = await snapshotFailures();
      store("refuses");
      await send();
      await watched.until("all is tested", () => stand.isTested(group));
      await watched.until("reports wait", async () => (await waitingFor("reports")) !== undefined);
      expect((await waitingFor("reports"))?.because).toContain("503");
      expect(await watched.isReady()).toBe(false);
      expect(await watched.metric("ncf_stream_waiting")).toBeGreaterThan(0);
      expect(await snapshotFailures()).toBeGreaterThan(before);
    };
    await outage("store refuses", outageMs, sees, async () => store("well"));
    expect(processor.said()).toMatch(/Waiting, reports: .*503.*nothing is lost/);
    expect(processor.said()).toContain("Going on: reports");
  });

  it.skipIf(disk === null)(
    `tests on while the disk is full${disk === null ? " (needs the right to mount a tmpfs)" : ""}`,
    { timeout: 300_000 + 2 * outageMs },
    async () => {
      const filler = path.join(disk ?? "", "filler");
      const sees = async (): Promise<void> => {
        const before = await snapshotFailures();
        expect(() => writeFileSync(filler, new Uint8Array(2 * diskBytes))).toThrow("ENOSPC");
        await send();
        await watched.until("all is tested", () => stand.isTested(group));
        await watched.until("reports wait", async () => (await waitingFor("reports")) !== undefined);
        expect((await waitingFor("reports"))?.because).toContain("ENOSPC");
        expect(await watched.isReady()).toBe(false);
        expect(await snapshotFailures()).toBeGreaterThan(before);
      };
      await outage("disk full", outageMs, sees, async () => rmSync(filler));
    },
  );

  const killed = ["is killed", () => stand.broker.kill(), () => stand.broker.startAgain()] as const;
  const frozen = ["hangs", () => stand.broker.freeze(), async () => stand.broker.thaw()] as const;
  it.each(isLong ? [killed, frozen] : [killed])(
    "waits while the broker %s",
    { timeout: 300_000 + 2 * outageMs },
    async (how, goes, comes) => {
      let sending: Promise<void> = Promise.resolve();
      const sees = async (): Promise<void> => {
        goes();
        sending = send();
        await watched.until("it waits", async () => !(await watched.isReady()));
        expect((await watched.health()).waiting[0].because).toContain("expected Kafka to");
        expect(await watched.metric("ncf_stream_waiting")).toBeGreaterThan(0);
      };
      await outage(`broker ${how}`, outageMs, sees, async () => {
        await comes();
        await sending;
      });
    },
  );

  it("has lost nothing in the end", { timeout: 600_000 }, async () => {
    await stand.caughtUp(group, [processor]);
    const stored = new FileObjectStore(disk ?? stand.at(group));
    const finals = Object.entries(await stand.published(group)).find(([name]) => name === "windows 0")?.[1] ?? [];
    await watched.until("the final reports are stored", async () => {
      for (const text of finals) {
        const { startMs } = JSON.parse(text) as { startMs: number };
        const found = await stored.get(`reports/${group}/${startMs}.json`).catch(() => null);
        if (found === null) return false;
        if (JSON.stringify(JSON.parse(new TextDecoder().decode(found)).report) !== text) return false;
      }
      return true;
    });
    await stand.stop([processor]);
    const published = await stand.expectUndisturbed(group, args);
    expect(published("outcomes")).toBeGreaterThan(sent / 2);
    expect(published("windows")).toBeGreaterThan(20);
  });
});

/** A small disk of its own; null where nobody may mount one. */
function mountedDisk(): string | null {
  const folder = mkdtempSync(path.join(tmpdir(), "ncf-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${diskBytes}`, "tmpfs", folder], { stdio: "ignore" });
    mkdirSync(path.join(folder, "store"));
    return path.join(folder, "store");
  } catch {
    rmdirSync(folder);
    return null;
  }
}

function unmount(disk: string): void {
  execFileSync("umount", [path.dirname(disk)]);
  rmdirSync(path.dirname(disk));
}
