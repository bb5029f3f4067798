/** A processor of bench/stream-kafka.ts: `ncf stream` in a process of its own, on one core where `taskset` is there. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";

const bin = fileURLToPath(new URL("../bin/ncf.mjs", import.meta.url));
export type LogLine = Readonly<Record<string, unknown>>;

const clockTickMs = 10;
const pin = "taskset";
const canPin = spawnSync(pin, ["-V"]).status === 0;

export class Processor {
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  #said = "";
  #onSaid = (): void => {};

  /**
   * @param core which, from 0
   * @param nodeArgs such as for a profile
   */
  constructor(args: readonly string[], core: number, nodeArgs: readonly string[] = []) {
    const command = [process.execPath, ...nodeArgs, bin, "stream", ...args, "--json", "--port", "0"];
    // taskset becomes the command, so the process id is the processor's.
    const [file, ...rest] = canPin ? [pin, "-c", String(core % cpus().length), ...command] : command;
    this.#child = spawn(file, rest, { stdio: ["ignore", "ignore", "pipe"] });
    this.#child.stderr?.on("data", (chunk) => {
      this.#said += chunk;
      this.#onSaid();
    });
    this.#ended = new Promise((resolve) => {
      this.#child.on("close", (code) => {
        this.#onSaid();
        resolve(code);
      });
    });
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  /** The first line that the processor logs with these fields. */
  async event(fields: Readonly<Record<string, unknown>>): Promise<LogLine> {
    const asked = Object.entries(fields);
    const isMeant = (line: LogLine): boolean => asked.every(([name, value]) => line[name] === value);
    return (await this.until((lines) => lines.some(isMeant))).find(isMeant) as LogLine;
  }

  /** Resolves as soon as what the processor has logged fulfils the condition. @returns all of it */
  async until(fulfilled: (lines: readonly LogLine[]) => boolean): Promise<readonly LogLine[]> {
    for (;;) {
      const lines = this.#said.split("\n").slice(0, -1);
      const found = lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line) as LogLine);
      if (fulfilled(found)) return found;
      if (this.#child.exitCode !== null) throw new Error(`expected a running processor, it ended: ${this.#said}`);
      await new Promise<void>((resolve) => {
        this.#onSaid = resolve;
      });
    }
  }

  /** Ends it at once, if it has not ended. */
  kill(): void {
    this.#child.kill("SIGKILL");
  }

  async stop(): Promise<void> {
    this.#child.kill("SIGTERM");
    const code = await this.#ended;
    if (code !== 0) throw new Error(`expected the processor to end well, found exit code ${code}: ${this.#said}`);
  }
}

/** CPU time that a process has taken, all threads, in milliseconds (Linux). */
export function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The command's name, in parentheses, may hold blanks.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * clockTickMs;
}

/** Resident memory now and at most, in MB (Linux). */
export function memoryMb(pid: number): { readonly now: number; readonly peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const mb = (name: string): number => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1000;
  return { now: mb("VmRSS"), peak: mb("VmHWM") };
}
