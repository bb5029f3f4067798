/** A Python contender that waits for commands, so that contenders can alternate within one run. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const python = process.env.PYTHON ?? "python3";

/** The version of a Python module, or exits with the way to get it. */
export function requirePythonModule(module: string): string {
  const found = spawnSync(python, ["-c", `import ${module}; print(${module}.__version__)`], { encoding: "utf8" });
  if (found.status === 0) return found.stdout.trim();
  console.error(
    `expected ${python} to have the module ${module}, found: ${found.error?.message ?? found.stderr.trim().split("\n").at(-1)}\n` +
      `Install it (pip install ${module}) or name a Python that has it: PYTHON=/path/to/python npx tsx bench/...`,
  );
  process.exit(1);
}

/** Answers one JSON line to each JSON line sent. */
export class PythonProcess {
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;

  /** @param script file beside this one */
  constructor(script: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    this.#child = spawn(python, [fileURLToPath(new URL(script, import.meta.url)), ...args], {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...process.env, ...environment },
    });
    if (this.#child.stdout === null) throw new Error("expected a pipe from Python");
    this.#answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** Sends a command and gives the parsed answer. */
  async ask<Answer>(command: unknown): Promise<Answer> {
    this.#child.stdin?.write(`${JSON.stringify(command)}\n`);
    const { value, done } = await this.#answers.next();
    if (done === true) throw new Error(`${python} ended without an answer`);
    return JSON.parse(value) as Answer;
  }

  close(): void {
    this.#child.stdin?.end();
  }
}
