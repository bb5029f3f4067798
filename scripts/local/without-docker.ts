/** A local deployment of processes: emulators of AWS, a broker, the Lambdas, and the machines behind emulated instances. */
import { spawn } from "node:child_process";
import { openSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { NcfError } from "../../src/core/errors.ts";
import { run } from "./child.ts";
import { type Deployment, deploy as deployStacks } from "./deployment.ts";
import { emulatedEnvironment } from "./emulators.ts";
import { Instances } from "./instances.ts";
import { connectLauncher } from "./launcher.ts";
import { type LocalState, readState, writeState } from "./state.ts";
import { streamContainer } from "./stream-container.ts";

const at = (file: string) => fileURLToPath(new URL(`../../${file}`, import.meta.url));
const ncf = at("bin/ncf.mjs");

export interface LocalOptions {
  /** For the state, logs and what the broker keeps. */
  readonly folder: string;
  /** Of the emulators, and the next one for EC2. */
  readonly awsPort: number;
  /** Of the broker, and the next one for its controller. */
  readonly kafkaPort: number;
}

/** @throws NcfError `LOCAL_UP` where one runs already; `PROGRAM_FAILED` */
export async function up({ folder, awsPort, kafkaPort }: LocalOptions): Promise<LocalState> {
  if ((await readState(folder).catch(() => null)) !== null) {
    throw new NcfError(
      "LOCAL_UP",
      `expected no local AWS in ${folder}, found one. Run: npm run local:down -- --no-docker`,
    );
  }
  await mkdir(folder, { recursive: true });
  const kafkaEnv = { NCF_KAFKA_DATA: path.join(folder, "kafka") };
  const [broker] = words(await run("bash", [at("scripts/start-kafka.sh"), String(kafkaPort)], { env: kafkaEnv }));
  const ports = [awsPort, awsPort + 1].map(String);
  const awsEnv = { NCF_AWS_LOGS: folder };
  const started = await run("bash", [at("scripts/start-aws.sh"), ...ports], { env: awsEnv }).catch(async (error) => {
    await end(Number(broker));
    throw error;
  });
  const [aws, ec2, endpoint, ec2Endpoint] = words(started);
  const kafka = `127.0.0.1:${kafkaPort}`;
  const pids = [broker, aws, ec2].map(Number);
  const state = { emulators: { endpoint, ec2Endpoint }, kafka, pids, deployedPids: [], deployment: null };
  await writeState(folder, state);
  return state;
}

/** What the last line says: before it a script may tell what it fetches. */
function words(written: string): string[] {
  return written.trim().split("\n").at(-1)?.split(" ") ?? [];
}

/** @param context over that of `cdk.json`. @throws NcfError `LOCAL_DOWN`, `PROGRAM_FAILED`, `DEPLOYMENT_INCOMPLETE` */
export async function deploy(folder: string, context: Readonly<Record<string, string>>): Promise<Deployment> {
  const state = await readState(folder);
  const { emulators, kafka } = state;
  // Those of an earlier deployment.
  for (const pid of state.deployedPids.toReversed()) await end(pid);
  const local = { kafka, kafkaTls: "false", streamImage: "ncf-stream:local", keepData: "false" };
  const deployment = await deployStacks(emulators, { name: "ncf-local", context: { ...local, ...context } });
  await connectLauncher(emulators, deployment);
  const env = emulatedEnvironment(emulators);
  await run(process.execPath, [ncf, "topics", "create", "--brokers", kafka], { env });
  // Where what is started below finds it.
  await writeState(folder, { ...state, deployedPids: [], deployment });
  const { command, environment } = await streamContainer(emulators, deployment);
  const machines = ["--import", "tsx", at("scripts/local.ts"), "machines", "--no-docker", "--folder", folder];
  const deployedPids = [
    start(folder, "machines", machines, {}),
    // It waits for the first champion.
    start(folder, "stream", [ncf, ...command], { ...env, ...environment }),
  ];
  await writeState(folder, { ...state, deployedPids, deployment });
  return deployment;
}

/** A process that outlives this one. @returns its id */
function start(folder: string, name: string, args: readonly string[], env: Readonly<Record<string, string>>): number {
  const log = openSync(path.join(folder, `${name}.log`), "a");
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...env },
    stdio: ["ignore", log, log],
    detached: true,
  });
  child.unref();
  return child.pid ?? 0;
}

/** Starts a worker for each instance that is launched, until the signal. */
export async function runMachines(folder: string, signal: AbortSignal): Promise<void> {
  const { emulators, deployment } = await readState(folder);
  const instances = new Instances(emulators, { stack: deployment?.name ?? "", folder: path.join(folder, "machines") });
  while (!signal.aborted) {
    await instances.startNew().catch((error: unknown) => console.error(String(error)));
    await sleep(2_000, undefined, { signal }).catch(() => undefined);
  }
  await instances.stop();
}

/** Ends all that was started, and forgets what it stored. @throws NcfError `LOCAL_DOWN` */
export async function down(folder: string): Promise<void> {
  const { pids, deployedPids } = await readState(folder);
  // What was started last first: it needs the others to end well.
  for (const pid of [...pids, ...deployedPids].toReversed()) await end(pid);
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}

async function end(pid: number): Promise<void> {
  // An emulator may not end at the first signal while a Lambda of it hangs.
  for (const [name, seconds] of [
    ["SIGTERM", 10],
    ["SIGKILL", 5],
  ] as const) {
    if (!signalGroup(pid, name)) return;
    for (let waited = 0; waited < seconds * 10 && signalGroup(pid, 0); waited++) await sleep(100);
  }
}

/** @returns whether any of the group is there */
function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-pid, signal);
  } catch {
    return false;
  }
}
