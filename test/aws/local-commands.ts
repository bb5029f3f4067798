/** `npm run local:*` without docker, from nothing to a recommendation and back to nothing; meanwhile the broker dies. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { run } from "../../scripts/local/child.ts";
import type { Deployment } from "../../scripts/local/deployment.ts";
import { readState, writeState } from "../../scripts/local/state.ts";
import { KafkaInteractionLog } from "../../src/adapters/kafka/kafka-interaction-log.ts";
import { ncf } from "../cli/ncf.ts";
import { ask } from "./signed-http.ts";

const minute = 60_000;
const seen = { timeout: 2 * minute, interval: 1_000 };
const at = (file: string) => fileURLToPath(new URL(`../../scripts/${file}`, import.meta.url));

export function localCommands(): void {
  it(
    "deploys to this machine, trains what is uploaded, answers, and leaves nothing behind",
    async () => {
      const parent = await mkdtemp(path.join(tmpdir(), "ncf-local-"));
      const folder = path.join(parent, "local");
      const awsPort = 27_000 + 4 * Math.floor(Math.random() * 1000);
      const local = (...args: string[]) =>
        run(process.execPath, ["--import", "tsx", at("local.ts"), ...args, "--no-docker", "--folder", folder], {
          env: { NCF_PORT: "0" },
        });
      try {
        const up = await local("up", "--aws-port", String(awsPort), "--kafka-port", String(awsPort + 2));
        expect(up).toContain(`AWS at http://127.0.0.1:${awsPort}`);
        await expect(local("up")).rejects.toThrow("expected no local AWS");
        const options = JSON.stringify({ preset: "mf", epochs: 1 });
        const deployed = await local("deploy", "--context", `sampleOptions=${options}`, "--context", "backend=wasm");
        expect(deployed).toContain("local:upload");
        const size = ["--users", "60", "--movies", "150", "--ratings", "2000", "--seed", "7"];
        expect(await ncf(["generate", ...size, "--out", path.join(parent, "data")])).toMatchObject({ code: 0 });
        await local("upload", path.join(parent, "data", "ratings.csv"));
        const { deployment } = await readState(folder);
        if (deployment === null) throw new Error("expected a deployment");
        const status = async () => (await ask(deployment, "/users/1/recommendations")).status;
        await expect.poll(status, seen).toBe(200);
        // The stream processor, which waited for the model.
        const streamLog = () => readFile(path.join(folder, "stream.log"), "utf8");
        await expect.poll(streamLog, seen).toContain("recovered");
        await loseNothingWithoutBroker(folder, deployment);
      } finally {
        await local("down");
        await rm(parent, { recursive: true, force: true, maxRetries: 5 });
      }
      await expect(readState(folder)).rejects.toMatchObject({ code: "LOCAL_DOWN" });
      await expect(fetch(`http://127.0.0.1:${awsPort}/_ministack/health`)).rejects.toThrow();
    },
    8 * minute,
  );
}

/** Kills the broker, and starts it again: what was acknowledged is on the topic, what was not is named to its sender. */
async function loseNothingWithoutBroker(folder: string, deployment: Deployment): Promise<void> {
  const { kafka, pids, ...others } = await readState(folder);
  const [broker, ...rest] = pids;
  const post = (userId: string) => ask(deployment, "/interactions", { userId, itemId: "1" });
  expect(await post("before")).toMatchObject({ status: 200, body: { accepted: 1 } });
  process.kill(-broker, "SIGKILL");
  expect(await post("meanwhile")).toMatchObject({ status: 503, body: { errors: [{ field: expect.any(String) }] } });
  const env = { NCF_KAFKA_DATA: path.join(folder, "kafka") };
  const [again] = (await run("bash", [at("start-kafka.sh"), kafka.split(":")[1]], { env })).split(" ");
  await writeState(folder, { ...others, kafka, pids: [Number(again), ...rest] });
  await expect.poll(async () => (await post("after")).status, seen).toBe(200);
  const log = await KafkaInteractionLog.open({ brokers: [kafka] });
  const users: (string | null)[] = [];
  for (let partition = 0; partition < (await log.partitions("interactions")); partition++) {
    const { records } = await log.read("interactions", partition, 0, 1000);
    users.push(...records.map(({ key }) => key));
  }
  await log.close();
  expect(users.filter((user) => user === "before")).toHaveLength(1);
  expect(users).toContain("after");
}
