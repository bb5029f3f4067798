/** A Kafka broker of one's own, which may be killed and started again with the same data, or frozen for a while. */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const script = fileURLToPath(new URL("../../scripts/start-kafka.sh", import.meta.url));

/** What scripts/start-kafka.sh takes by environment, besides the folder of the data. */
export type BrokerSettings = Readonly<
  Partial<Record<"NCF_KAFKA_PROPERTIES" | "NCF_KAFKA_CLUSTER" | "NCF_KAFKA_SCRAM", string>>
>;

export class OwnBroker {
  readonly address: string;
  readonly #port: number;
  readonly #data: string;
  readonly #settings: BrokerSettings;
  #pid: number;
  #killed = false;

  static async start(port: number, data: string, settings: BrokerSettings = {}): Promise<OwnBroker> {
    return new OwnBroker(port, data, settings, await start(port, data, settings));
  }

  private constructor(port: number, data: string, settings: BrokerSettings, pid: number) {
    this.address = `127.0.0.1:${port}`;
    this.#port = port;
    this.#data = data;
    this.#settings = settings;
    this.#pid = pid;
  }

  kill(): void {
    process.kill(this.#pid, "SIGKILL");
    this.#killed = true;
  }

  /** It answers nothing, and keeps its connections open. */
  freeze(): void {
    process.kill(this.#pid, "SIGSTOP");
  }

  thaw(): void {
    process.kill(this.#pid, "SIGCONT");
  }

  async startAgain(): Promise<void> {
    this.#pid = await start(this.#port, this.#data, this.#settings);
    this.#killed = false;
  }

  async remove(): Promise<void> {
    if (!this.#killed) this.kill();
    await rm(this.#data, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Brokers that keep each record `count` times and take it when one of them is away; each has two ports, from `port` on. */
export async function startCluster(count: number, port: number, folder: string): Promise<OwnBroker[]> {
  const ports = Array.from({ length: count }, (_, i) => port + 2 * i);
  const settings = [
    `controller.quorum.voters=${ports.map((port, i) => `${i + 1}@127.0.0.1:${port + 1}`).join(",")}`,
    `default.replication.factor=${count}`,
    `offsets.topic.replication.factor=${count}`,
    `transaction.state.log.replication.factor=${count}`,
    ...["min.insync.replicas", "transaction.state.log.min.isr"].map((name) => `${name}=${count - 1}`),
    // A broker that was not heard of for so long is taken for dead, and others lead its partitions.
    "broker.session.timeout.ms=4000",
    "broker.heartbeat.interval.ms=1000",
  ];
  const cluster = randomBytes(16).toString("base64url");
  await mkdir(folder, { recursive: true });
  return Promise.all(
    ports.map(async (port, i) => {
      const properties = path.join(folder, `broker-${i + 1}.properties`);
      await writeFile(properties, [...settings, `node.id=${i + 1}`, ""].join("\n"));
      const env = { NCF_KAFKA_PROPERTIES: properties, NCF_KAFKA_CLUSTER: cluster };
      return OwnBroker.start(port, path.join(folder, String(i + 1)), env);
    }),
  );
}

async function start(port: number, data: string, settings: BrokerSettings): Promise<number> {
  const env = { ...process.env, ...settings, NCF_KAFKA_DATA: data };
  const { stdout } = await promisify(execFile)(script, [String(port)], { env });
  return Number(stdout.split(" ")[0]);
}
