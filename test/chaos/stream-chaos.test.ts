/**
 * Processors are killed, join and leave, and the broker dies, while events come: what is published must be what one undisturbed
 * processor publishes. Short where `NCF_KAFKA` says that Kafka can run here; `npm run chaos` makes it long.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mix } from "../../src/core/rng.ts";
import { chaosRecords } from "./events.ts";
import { ChaosStand, hourMs } from "./stand.ts";

const enabled = process.env.NCF_KAFKA !== undefined;
if (!enabled && process.env.CI_REQUIRE_SERVICES === "1") {
  it("finds a Kafka, as CI_REQUIRE_SERVICES=1 demands", () => expect.fail("set NCF_KAFKA"));
}
const kills = Number(process.env.NCF_CHAOS_KILLS ?? 5);
const seed = Number(process.env.NCF_CHAOS_SEED ?? 1);

describe.skipIf(!enabled)(`a stream under ${kills} kills${enabled ? "" : " (set NCF_KAFKA)"}`, () => {
  let stand: ChaosStand;
  beforeAll(async () => {
    stand = await ChaosStand.open();
  }, 120_000);
  afterAll(() => stand.close());

  it(
    "publishes what an undisturbed one publishes",
    async () => {
      const count = 800 * kills;
      const records = chaosRecords({
        count,
        startMs: Math.floor(Date.now() / hourMs) * hourMs - 72 * hourMs,
        stepMs: Math.floor((48 * hourMs) / count),
        graceMs: 600_000,
        users: 150,
        items: [...(await stand.items()), "unheard-of"],
        seed,
      });
      const pace = ["--commit-records", "40", "--commit-interval", "30", "--snapshot-records", "150"];
      const args = [...pace, "--snapshot-partials", "30", "--session-timeout", "6000"];
      const processor = () => stand.processor("chaos", { args });
      const members = [processor(), processor()];
      await Promise.all(members.map(({ stderrHas }) => stderrHas("Assigned")));
      let sent = 0;
      const send = async (upTo: number): Promise<void> => {
        while (sent < upTo) {
          const some = records.slice(sent, Math.min(upTo, sent + 25));
          await stand.send(some);
          sent += some.length;
          await sleep(60);
        }
      };
      for (let kill = 0; kill < kills; kill++) {
        const sending = send(Math.floor((records.length * (kill + 1)) / kills));
        await sleep(mix(seed, kill, 1) % 2_000);
        const victim = mix(seed, kill, 2) % members.length;
        members[victim].child.kill("SIGKILL");
        await members[victim].outcome;
        if (kill % 5 === 2) {
          stand.broker.kill();
          await sleep(500 + (mix(seed, kill, 3) % 2_000));
          await stand.broker.startAgain();
        }
        // A third one joins now and then, and one leaves.
        members[victim] = processor();
        if (kill % 3 === 1) members.push(processor());
        else if (members.length > 2) await stand.stop(members.splice(mix(seed, kill, 4) % members.length, 1));
        await sending;
      }
      await stand.caughtUp("chaos", members);
      await stand.stop(members);
      const published = await stand.expectUndisturbed("chaos", args);
      expect(published("outcomes")).toBeGreaterThan(records.length / 2);
      expect(published("late")).toBeGreaterThan(0);
      expect(published("deadLetters")).toBeGreaterThan(0);
      expect(published("windows")).toBeGreaterThan(20);
    },
    600_000 + 30_000 * kills,
  );
});
