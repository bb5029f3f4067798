/** Runs the real `ncf` command in a process of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const bin = fileURLToPath(new URL("../../bin/ncf.mjs", import.meta.url));

export interface Outcome {
  /** Null when ended by a signal. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCommand {
  readonly child: ChildProcess;
  readonly outcome: Promise<Outcome>;
  /** Settles when stderr holds `text`, or when the command ends. */
  stderrHas(text: string): Promise<void>;
}

export function startNcf(args: readonly string[], env: Record<string, string> = {}): RunningCommand {
  const child = spawn(process.execPath, [bin, ...args], { env: { ...process.env, ...env } });
  let [stdout, stderr] = ["", ""];
  const waiting: { text: string; resolve: () => void }[] = [];
  child.stdout.on("data", (chunk) => {
    stdout += chunk;
  });
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
    for (const { text, resolve } of waiting) if (stderr.includes(text)) resolve();
  });
  const outcome = new Promise<Outcome>((resolve) => {
    child.on("close", (code) => {
      for (const wait of waiting) wait.resolve();
      resolve({ code, stdout, stderr });
    });
  });
  const stderrHas = (text: string): Promise<void> =>
    new Promise((resolve) => {
      // It may have come before anybody asked.
      if (stderr.includes(text)) resolve();
      else waiting.push({ text, resolve });
    });
  return { child, outcome, stderrHas };
}

export function ncf(args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> {
  return startNcf(args, env).outcome;
}

export interface ListeningCommand extends RunningCommand {
  readonly url: string;
}

/** A command that serves, once it has said where under --json. */
export async function listening(args: readonly string[]): Promise<ListeningCommand> {
  const running = startNcf(args);
  const url = await new Promise<string>((resolve, reject) => {
    let stdout = "";
    running.child.stdout?.on("data", (chunk) => {
      stdout += chunk;
      const found = /"url": "([^"]+)"/.exec(stdout);
      if (found !== null) resolve(found[1]);
    });
    void running.outcome.then(({ stderr }) => reject(new Error(stderr)));
  });
  return { ...running, url };
}
