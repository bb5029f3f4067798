/** `ncf serve` in a process of its own under a load of keep-alive connections, each sending one request after the other. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { Agent, get } from "node:http";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("../bin/ncf.mjs", import.meta.url));

/** Makes ratings of the shape of ml-latest-small in `folder` and trains the presets on them, an epoch each. */
export function trainOnGenerated(folder: string, presets: readonly string[]): void {
  const [dataset, out] = [path.join(folder, "generated"), path.join(folder, "out")];
  const ncf = (...args: string[]): void => {
    const { status, stderr } = spawnSync(process.execPath, [program, ...args], { encoding: "utf8" });
    if (status !== 0) throw new Error(`expected ncf ${args[0]} to succeed, found ${stderr}`);
  };
  ncf("generate", "--seed", "1", "--out", dataset);
  const models = presets.join(",");
  ncf("run", "--dataset", dataset, "--out", out, "--models", models, "--epochs", "1", "--full-catalogue-users", "1");
}

export interface Load {
  readonly requestsPerSecond: number;
  /** From sending a request to the end of its answer, in milliseconds. */
  readonly latenciesMs: number[];
}

export class ServedProcess {
  readonly items: number;
  readonly #child: ChildProcess;
  readonly #url: string;
  readonly #users: readonly string[];

  private constructor(child: ChildProcess, url: string, users: readonly string[], items: number) {
    this.#child = child;
    this.#url = url;
    this.#users = users;
    this.items = items;
  }

  /** Serves one of the models of `trainOnGenerated`. */
  static async start(folder: string, preset: string): Promise<ServedProcess> {
    const model = path.join(folder, "out", "models", preset);
    const child = spawn(process.execPath, [program, "serve", "--model", model, "--port", "0", "--json"], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let said = "";
    child.stderr.on("data", (chunk) => {
      said += chunk;
    });
    let answer = "";
    for await (const line of createInterface({ input: child.stdout })) {
      answer += line;
      if (isJson(answer)) break;
    }
    if (!isJson(answer)) throw new Error(`expected ncf serve to start, found ${said}`);
    const { url, model: facts } = JSON.parse(answer) as {
      url: string;
      model: { dataset: { users: number; items: number } };
    };
    const users = Array.from({ length: facts.dataset.users }, (_, user) => String(user + 1));
    return new ServedProcess(child, url, users, facts.dataset.items);
  }

  /** Asks for the best 10 items of one user after the other over so many connections, which are open when the clock starts. */
  async load(connections: number, seconds: number): Promise<Load> {
    const agent = new Agent({ keepAlive: true, maxSockets: connections });
    let next = 0;
    const ask = (): Promise<void> =>
      request(`${this.#url}/users/${this.#users[next++ % this.#users.length]}/recommendations?k=10`, agent);
    // A busy server accepts connections one by one between requests: those that wait for that are not what is measured.
    await Promise.all(Array.from({ length: connections }, ask));
    const latenciesMs: number[] = [];
    const started = performance.now();
    const connection = async (): Promise<void> => {
      while (performance.now() - started < seconds * 1000) {
        const sent = performance.now();
        await ask();
        latenciesMs.push(performance.now() - sent);
      }
    };
    await Promise.all(Array.from({ length: connections }, connection));
    const elapsed = performance.now() - started;
    agent.destroy();
    return { requestsPerSecond: (latenciesMs.length * 1000) / elapsed, latenciesMs };
  }

  async close(): Promise<void> {
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGTERM");
    await ended;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function request(url: string, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    get(url, { agent }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`expected 200, found ${response.statusCode} for ${url}`));
      response.on("error", reject).on("end", resolve).resume();
    }).on("error", reject);
  });
}
