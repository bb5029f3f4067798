/** The command's connection to the person or program that runs it: answers on stdout, everything else on stderr. */
import { NcfError } from "../core/errors.ts";
import { type StreamProgress, streamProgress } from "./progress.ts";

export class Terminal {
  readonly progress: StreamProgress = streamProgress(process.stderr, { nowMs: () => performance.now() });
  readonly #abort = new AbortController();
  #json = false;
  #afterInterrupt = "run it again to start over";

  readonly #onSignal = (): void => {
    if (this.#abort.signal.aborted) process.exit(130);
    this.log("Stopping; press Ctrl-C again to stop at once.");
    this.#abort.abort(new NcfError("INTERRUPTED", "stopped before the end"));
  };

  /** Aborted by Ctrl-C or SIGTERM; listening for them starts with the first use. */
  get signal(): AbortSignal {
    if (!process.listeners("SIGINT").includes(this.#onSignal)) {
      process.on("SIGINT", this.#onSignal);
      process.on("SIGTERM", this.#onSignal);
    }
    return this.#abort.signal;
  }

  /** After this, the answer is one JSON document. */
  useJson(json: boolean): void {
    this.#json = json;
  }

  /** How a person goes on after Ctrl-C. */
  goesOnBy(way: string): void {
    this.#afterInterrupt = way;
  }

  /** A line about the work, never part of the answer. */
  readonly log = (line: string): void => {
    // On a terminal the progress line, redrawn below, makes room.
    process.stderr.write(process.stderr.isTTY ? `\r\x1b[2K${line}\n` : `${line}\n`);
  };

  /** The command's answer: `text` for people, `value` under --json. */
  answer(value: unknown, text: string): void {
    process.stdout.write(this.#json ? `${JSON.stringify(value, null, 2)}\n` : `${text.trimEnd()}\n`);
  }

  /** Says why the command failed; gives the exit code. */
  fail(error: unknown): number {
    this.progress.close();
    const { code, message: reason } = describe(error);
    const message = code === "INTERRUPTED" ? `${reason}; ${this.#afterInterrupt}` : reason;
    process.stderr.write(`ncf: ${message}\n`);
    if (this.#json) process.stdout.write(`${JSON.stringify({ error: { code, message } }, null, 2)}\n`);
    if (code === "INTERRUPTED") return 130;
    return code === "USAGE" ? 2 : 1;
  }

  close(): void {
    this.progress.close();
    process.off("SIGINT", this.#onSignal);
    process.off("SIGTERM", this.#onSignal);
  }
}

function describe(error: unknown): { code: string; message: string } {
  if (error instanceof NcfError) return { code: error.code, message: error.message };
  // Not one of ours: a fault in the program or the machine, so the stack helps.
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: "UNEXPECTED", message: `unexpected error: ${text}` };
}
