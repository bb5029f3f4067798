/**
 * The machines behind emulated instances: processes. Each worker that the launcher launches is started as its user data says,
 * and its instance is terminated when the process ends, as a real one switches itself off.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import {
  DescribeInstanceAttributeCommand,
  EC2Client,
  type Instance,
  paginateDescribeInstances,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { run } from "./child.ts";
import { clientSettings, type Emulators, emulatedEnvironment } from "./emulators.ts";
import { readWorkerStart, type WorkerStart } from "./worker-start.ts";

export interface InstancesOptions {
  /** Of the deployment. */
  readonly stack: string;
  /** For bundles and logs: `<instance>.log` each. */
  readonly folder: string;
  /** Over that of the user data. */
  readonly environment?: Readonly<Record<string, string>>;
}

export interface MachineProcess {
  readonly instanceId: string;
  readonly child: ChildProcess;
  /** When its instance is terminated, too. */
  readonly ended: Promise<void>;
}

export class Instances {
  readonly #emulators: Emulators;
  readonly #options: InstancesOptions;
  readonly #ec2: EC2Client;
  readonly #machines = new Map<string, MachineProcess>();

  constructor(emulators: Emulators, options: InstancesOptions) {
    this.#emulators = emulators;
    this.#options = options;
    this.#ec2 = new EC2Client(clientSettings(emulators.ec2Endpoint));
  }

  /** Those of the deployment that are not terminated. */
  async list(): Promise<Instance[]> {
    const Filters = [
      { Name: "tag:ncf:stack", Values: [this.#options.stack] },
      { Name: "instance-state-name", Values: ["pending", "running"] },
    ];
    const found: Instance[] = [];
    for await (const { Reservations = [] } of paginateDescribeInstances({ client: this.#ec2 }, { Filters })) {
      found.push(...Reservations.flatMap(({ Instances = [] }) => Instances));
    }
    return found;
  }

  /** Starts a process for each instance that has none. @returns those it started */
  async startNew(): Promise<MachineProcess[]> {
    const started: MachineProcess[] = [];
    for (const { InstanceId = "" } of await this.list()) {
      if (!this.#machines.has(InstanceId)) started.push(await this.#start(InstanceId));
    }
    return started;
  }

  /** Tells all to end, and waits until they have. */
  async stop(): Promise<void> {
    const machines = [...this.#machines.values()];
    for (const { child } of machines) child.kill("SIGTERM");
    await Promise.all(machines.map(({ ended }) => ended));
    this.#ec2.destroy();
  }

  async #start(instanceId: string): Promise<MachineProcess> {
    const { folder, environment = {} } = this.#options;
    const { UserData } = await this.#ec2.send(
      new DescribeInstanceAttributeCommand({ InstanceId: instanceId, Attribute: "userData" }),
    );
    const start = readWorkerStart(UserData?.Value ?? "");
    const home = await this.#unpack(start, path.join(folder, instanceId));
    const child = spawn(process.execPath, start.args, {
      cwd: home,
      env: {
        ...process.env,
        ...emulatedEnvironment(this.#emulators),
        ...start.environment,
        // Nobody answers there.
        NCF_INSTANCE_METADATA_URL: "off",
        ...environment,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const log = createWriteStream(`${home}.log`);
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    const ended = new Promise<void>((resolve) => child.once("close", () => resolve())).then(async () => {
      log.end();
      await this.#ec2.send(new TerminateInstancesCommand({ InstanceIds: [instanceId] }));
      this.#machines.delete(instanceId);
      await rm(home, { recursive: true });
    });
    const machine = { instanceId, child, ended };
    this.#machines.set(instanceId, machine);
    return machine;
  }

  async #unpack({ bundle }: WorkerStart, home: string): Promise<string> {
    const s3 = new S3Client({ ...clientSettings(this.#emulators.endpoint), forcePathStyle: true });
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bundle.bucket, Key: bundle.key }));
    await mkdir(home, { recursive: true });
    await writeFile(`${home}.zip`, (await Body?.transformToByteArray()) ?? "");
    // As the user data does it.
    await run("python3", ["-m", "zipfile", "-e", `${home}.zip`, home]);
    await rm(`${home}.zip`);
    s3.destroy();
    return home;
  }
}
