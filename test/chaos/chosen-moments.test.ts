/**
 * Processors are killed at chosen moments: in the middle of a transaction, of a snapshot, of a takeover, in both stages. What is
 * published must be what one undisturbed processor publishes. One of each kind; each of them, several times, by `npm run chaos`.
 */
import { readdir } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chaosRecords } from "./events.ts";
import { ArmedMoment, allMoments, fewMoments } from "./moments.ts";
import { ChaosStand, hourMs, type Processor } from "./stand.ts";

const enabled = process.env.NCF_KAFKA !== undefined;
if (!enabled && process.env.CI_REQUIRE_SERVICES === "1") {
  it("finds a Kafka, as CI_REQUIRE_SERVICES=1 demands", () => expect.fail("set NCF_KAFKA"));
}
const rounds = Math.ceil(Number(process.env.NCF_CHAOS_KILLS ?? 5) / 10);
const moments = process.env.NCF_CHAOS_KILLS === undefined ? fewMoments : allMoments;
const seed = Number(process.env.NCF_CHAOS_SEED ?? 1);
/** Sent at most; the rest is left out once the kills are done. */
const mostRecords = 60_000 * rounds;
const graceMs = 600_000;
/** A moment that is not reached in so long needs a takeover to come. */
const patienceMs = 20_000;

describe.skipIf(!enabled)(`a stream killed at chosen moments${enabled ? "" : " (set NCF_KAFKA)"}`, () => {
  let stand: ChaosStand;
  beforeAll(async () => {
    stand = await ChaosStand.open();
  }, 120_000);
  afterAll(() => stand.close());

  it(
    "publishes what an undisturbed one publishes",
    async () => {
      const records = chaosRecords({
        count: mostRecords,
        startMs: Math.floor(Date.now() / hourMs) * hourMs - 400 * hourMs,
        stepMs: Math.floor((300 * hourMs) / mostRecords),
        graceMs,
        users: 2_000,
        items: [...(await stand.items()), "unheard-of"],
        seed,
      });
      const pace = ["--commit-records", "40", "--commit-interval", "30", "--snapshot-records", "100"];
      const args = [...pace, "--snapshot-partials", "20", "--session-timeout", "3000"];
      const armed = new ArmedMoment(stand.at("armed"));
      const preload = fileURLToPath(new URL("moments.mjs", import.meta.url));
      const processor = () => stand.processor("moments", { args, preload, env: { NCF_CHAOS_ARMED: armed.file } });
      const members = Array.from({ length: 3 }, processor);
      await Promise.all(members.map(({ stderrHas }) => stderrHas("Assigned")));
      let sent = 0;
      const done = new AbortController();
      const sending = (async () => {
        for (; !done.signal.aborted && sent < records.length; sent += 25) {
          await stand.send(records.slice(sent, sent + 25));
          await sleep(100);
        }
      })();
      // A failed test closes the log that it appends to.
      sending.catch(() => undefined);
      // A takeover reads a snapshot where there is one.
      await stand.hasSnapshots("moments");
      const killed: Record<string, number> = {};
      for (const moment of Array.from({ length: rounds }, () => moments).flat()) {
        armed.arm(moment);
        for (let kills = 0; ; kills++) {
          const victim = (await firstToEnd(members)) ?? members.length - 1;
          const { child, outcome, said } = members[victim];
          const ended = child.exitCode ?? child.signalCode;
          // The takeover that is waited for may have been before: the last one's end brings another.
          if (ended === null) child.kill("SIGKILL");
          await outcome;
          members.splice(victim, 1);
          members.unshift(processor());
          if (armed.wasCauseOf(child.pid ?? 0)) break;
          expect(ended, said()).toBeNull();
          expect(kills, `no processor got to the moment "${moment}"\n${said()}`).toBeLessThan(10);
        }
        if (moment.endsWith("snapshot: half written"))
          expect(await drafts(stand.at("moments/snapshots"))).not.toEqual([]);
        killed[moment] = (killed[moment] ?? 0) + 1;
      }
      done.abort();
      await sending;
      await stand.caughtUp("moments", members);
      await stand.stop(members);
      const published = await stand.expectUndisturbed("moments", args);
      console.log(`kills by moment, ${sent} events sent:\n${table(killed)}`);
      expect(killed).toEqual(Object.fromEntries(moments.map((moment) => [moment, rounds])));
      expect(published("outcomes")).toBeGreaterThan(sent / 2);
      expect(published("late")).toBeGreaterThan(0);
      expect(published("deadLetters")).toBeGreaterThan(0);
      expect(published("windows")).toBeGreaterThan(5);
    },
    300_000 + 600_000 * rounds,
  );
});

/** The place of the processor that ends first; null when for long none does. */
async function firstToEnd(members: readonly Processor[]): Promise<number | null> {
  const given = new AbortController();
  const long = sleep(patienceMs, null, { signal: given.signal }).catch(() => null);
  const ended = await Promise.race([...members.map(({ outcome }, i) => outcome.then(() => i)), long]);
  given.abort();
  return ended;
}

/** Files that a killed writer has left. */
async function drafts(folder: string): Promise<string[]> {
  return (await readdir(folder, { recursive: true })).filter((name) => /\d\.[0-9a-f]+\.tmp$/.test(name));
}

function table(killed: Readonly<Record<string, number>>): string {
  return Object.entries(killed)
    .map(([moment, count]) => `${String(count).padStart(4)}  ${moment}`)
    .join("\n");
}
