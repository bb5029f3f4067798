/** Runs a script of this folder's `children/` in a process of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export interface Child {
  readonly process: ChildProcess;
  /** Complete lines printed so far. */
  readonly lines: string[];
  /** Settles when so many lines are there, or when the child has ended. */
  linesReach(count: number): Promise<void>;
  /** The exit code, null after a signal. @throws what the child wrote to stderr, when it failed by itself */
  readonly ended: Promise<number | null>;
}

export function startChild(script: URL, args: readonly string[]): Child {
  // tsx is for Node 20; a newer Node runs TypeScript as it is, and does no less with it.
  const child = spawn(process.execPath, ["--import", "tsx", fileURLToPath(script), ...args]);
  const lines: string[] = [];
  let [rest, stderr, over] = ["", "", false];
  let waiting: { count: number; resolve: () => void }[] = [];
  const wake = () => {
    for (const { count, resolve } of waiting) if (over || lines.length >= count) resolve();
    waiting = waiting.filter(({ count }) => !over && lines.length < count);
  };
  child.stdout.on("data", (chunk) => {
    const parts = `${rest}${chunk}`.split("\n");
    rest = parts.pop() ?? "";
    lines.push(...parts);
    wake();
  });
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on("close", (code) => {
      over = true;
      wake();
      if (code === 0 || code === null) resolve(code);
      else reject(new Error(stderr));
    });
  });
  const linesReach = (count: number) =>
    new Promise<void>((resolve) => {
      waiting.push({ count, resolve });
      wake();
    });
  return { process: child, lines, linesReach, ended };
}
