/** A local deployment in containers: `localstack.yml`. */
import { rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { NcfError } from "../../src/core/errors.ts";
import { run } from "./child.ts";
import { type Deployment, deploy as deployStacks } from "./deployment.ts";
import { type LocalState, readState, writeState } from "./state.ts";

const file = fileURLToPath(new URL("../../localstack.yml", import.meta.url));
const endpoint = "http://localhost:4566";

/** @throws NcfError `DOCKER_FAILED` */
export async function up({ folder }: { readonly folder: string }): Promise<LocalState> {
  await compose(["--profile", "aws", "up", "-d", "--wait"]);
  // LocalStack launches from the templates that its CloudFormation makes: one endpoint for all.
  const emulators = { endpoint, ec2Endpoint: endpoint };
  const state = { emulators, kafka: "localhost:9092", pids: [], deployedPids: [], deployment: null };
  await writeState(folder, state);
  return state;
}

/**
 * Without a token LocalStack has neither HTTP APIs nor containers: `score` is reached by its function URL, and the streaming
 * stack stays out. The worker and the stream processor run beside it, as containers of `localstack.yml`.
 *
 * @throws NcfError `LOCAL_DOWN`, `DOCKER_FAILED`, `PROGRAM_FAILED`
 */
export async function deploy(folder: string, context: Readonly<Record<string, string>>): Promise<Deployment> {
  const state = await readState(folder);
  const local = { httpApi: "false", functionUrl: "true", keepData: "false", backend: "wasm" };
  const deployment = await deployStacks(state.emulators, { name: "ncf-local", context: { ...local, ...context } });
  await writeState(folder, { ...state, deployment });
  const env = {
    NCF_BUCKET: deployment.bucket,
    NCF_TRAINING_JOBS_URL: fromContainers(deployment.trainingJobsUrl),
    NCF_TRAINING_REQUESTS_URL: fromContainers(deployment.trainingRequestsUrl),
  };
  await compose(["--profile", "aws", "--profile", "deployed", "up", "-d", "--build"], env);
  return deployment;
}

/** The queue under the name that LocalStack has among the containers. */
function fromContainers(url: string): string {
  return `http://localstack:4566${new URL(url).pathname}`;
}

/** @throws NcfError `DOCKER_FAILED` */
export async function down(folder: string): Promise<void> {
  const all = ["aws", "deployed", "stream"].flatMap((profile) => ["--profile", profile]);
  await compose([...all, "down", "--volumes"]);
  await rm(folder, { recursive: true, force: true });
}

async function compose(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<void> {
  try {
    await run("docker", ["compose", "-f", file, ...args], { env });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new NcfError(
      "DOCKER_FAILED",
      `expected docker with its compose plugin, found that it failed: ${reason}\nMend that, or go without: add -- --no-docker`,
      { cause },
    );
  }
}
