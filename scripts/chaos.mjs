/**
 * The long chaos tests, on brokers that they start themselves. Processors are killed while events come: KILLS times at random, and at
 * each of 20 chosen moments once for every 10 of KILLS; the store and the broker are away for a minute each.
 *
 *   npm run chaos -- [KILLS] [SEED]      by default 30 and 1; the brokers need Java 17, and Maven for their first start
 *
 * Half a minute a kill at the most. What is published must be what one undisturbed processor publishes.
 */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const [kills, seed] = [whole("KILLS", process.argv[2] ?? "30", 1), whole("SEED", process.argv[3] ?? "1", 0)];
const vitest = fileURLToPath(new URL("../node_modules/vitest/vitest.mjs", import.meta.url));
const test = spawn(process.execPath, [vitest, "run", "test/chaos"], {
  cwd: fileURLToPath(new URL("..", import.meta.url)),
  // The tests start their brokers: this only says that they can run.
  env: { ...process.env, NCF_KAFKA: "own", NCF_CHAOS_KILLS: kills, NCF_CHAOS_SEED: seed, NCF_CHAOS_OUTAGE_S: "60" },
  stdio: "inherit",
});
// Ctrl-C reaches the tests, too, which remove what they started.
process.on("SIGINT", () => undefined);
test.on("exit", (code) => {
  process.exitCode = code ?? 1;
});

function whole(name, text, least) {
  if (/^\d{1,9}$/.test(text) && Number(text) >= least) return text;
  console.error(
    `expected ${name} as a whole number, ${least} or more, found "${text}": npm run chaos -- [KILLS] [SEED]`,
  );
  process.exit(2);
}
