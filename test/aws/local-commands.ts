/** `npm run local:*` without docker, from nothing to a recommendation and back to nothing. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { run } from "../../scripts/local/child.ts";
import { readState } from "../../scripts/local/state.ts";
import { ncf } from "../cli/ncf.ts";
import { ask } from "./signed-http.ts";

const minute = 60_000;
const seen = { timeout: 2 * minute, interval: 1_000 };
const script = fileURLToPath(new URL("../../scripts/local.ts", import.meta.url));

export function localCommands(): void {
  it(
    "deploys to this machine, trains what is uploaded, answers, and leaves nothing behind",
    async () => {
      const parent = await mkdtemp(path.join(tmpdir(), "ncf-local-"));
      const folder = path.join(parent, "local");
      const awsPort = 27_000 + 4 * Math.floor(Math.random() * 1000);
      const local = (...args: string[]) =>
        run(process.execPath, ["--import", "tsx", script, ...args, "--no-docker", "--folder", folder], {
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
