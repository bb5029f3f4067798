/** A Kafka broker of one's own, which may be killed and started again with the same data. */
import { execFile } from "node:child_process";
import { rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const script = fileURLToPath(new URL("../../scripts/start-kafka.sh", import.meta.url));

export class OwnBroker {
  readonly address: string;
  readonly #port: number;
  readonly #data: string;
  #pid: number;

  static async start(port: number, data: string): Promise<OwnBroker> {
    return new OwnBroker(port, data, await start(port, data));
  }

  private constructor(port: number, data: string, pid: number) {
    this.address = `127.0.0.1:${port}`;
    this.#port = port;
    this.#data = data;
    this.#pid = pid;
  }

  kill(): void {
    process.kill(this.#pid, "SIGKILL");
  }

  async startAgain(): Promise<void> {
    this.#pid = await start(this.#port, this.#data);
  }

  async remove(): Promise<void> {
    this.kill();
    await rm(this.#data, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function start(port: number, data: string): Promise<number> {
  const env = { ...process.env, NCF_KAFKA_DATA: data };
  const { stdout } = await promisify(execFile)(script, [String(port)], { env });
  return Number(stdout.split(" ")[0]);
}
