/** A Kafka broker of one's own, which may be killed and started again with the same data, or frozen for a while. */
import { execFile } from "node:child_process";
import { rm } from "node:fs/promises";
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
  }

  async remove(): Promise<void> {
    this.kill();
    await rm(this.#data, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function start(port: number, data: string, settings: BrokerSettings): Promise<number> {
  const env = { ...process.env, ...settings, NCF_KAFKA_DATA: data };
  const { stdout } = await promisify(execFile)(script, [String(port)], { env });
  return Number(stdout.split(" ")[0]);
}
