/** Runs the worker in a process of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../../gpu-worker/main.ts", import.meta.url));

export interface WorkerProcess {
  readonly child: ChildProcess;
  /** When it has ended: its exit code, null after a signal, and the messages that it logged. */
  readonly ended: Promise<{ readonly code: number | null; readonly messages: readonly string[] }>;
}

/** @param entry the sources' by default */
export function startWorker(
  env: Readonly<Record<string, string>>,
  args: readonly string[] = [],
  entry = main,
): WorkerProcess {
  const child = spawn(process.execPath, ["--import", "tsx", entry, ...args], { env: { ...process.env, ...env } });
  let stderr = "";
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  const ended = new Promise<{ code: number | null; messages: string[] }>((resolve) => {
    child.on("close", (code) => {
      const lines = stderr.split("\n").filter((line) => line.startsWith("{"));
      resolve({ code, messages: lines.map((line) => (JSON.parse(line) as { message: string }).message) });
    });
  });
  return { child, ended };
}
