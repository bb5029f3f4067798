/**
 * Exclusive locks as files, for processes that share a folder.
 *
 * A lock is a file that names its holder. It comes into being by a hard link from a file that has its content already,
 * so nobody reads half a lock. A lock whose holder was killed must not block for ever, so others may remove it when the
 * holder is *gone*:
 *
 * - The holder ran on this machine (same host name, boot and pid namespace): it is gone when no process has its id, or
 *   when the one that has it started at another moment (known on Linux). A process that is there keeps its lock,
 *   however long it is stopped.
 * - Otherwise (another machine or container; or no start times, as on macOS and Windows): it is gone when it gave no
 *   sign of life for a minute, a sign being the lock file's modification time. So machines that share a folder must have
 *   clocks that differ by less than half a minute.
 *
 * The right to remove the lock of a holder that is gone is a lock too, named after that holder's token; under it the
 * lock is read again, so that nobody removes a successor's lock.
 */
import { randomBytes } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { link, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { NcfError } from "../../core/errors.ts";
import { hasCode } from "./durable-files.ts";

/** Who holds a lock, as the lock file says. */
export interface LockHolder {
  readonly token: string;
  readonly pid: number;
  /** Host name, boot and pid namespace: where `pid` means something. */
  readonly machine: string;
  /** When the process started, in the machine's own terms; null where that is not known. */
  readonly started: string | null;
}

const goneAfterMs = 60_000;
const signOfLifeMs = 10_000;
/** After so long without a sign of life, by stop or by a busy event loop, a holder looks whether it still holds. */
const doubtAfterMs = 30_000;

/** A lock that this process holds. */
export class FileLock {
  readonly #file: string;
  readonly #token: string;
  #confirmedAt = performance.now();
  #signs: NodeJS.Timeout | undefined;

  constructor(file: string, token: string) {
    this.#file = file;
    this.#token = token;
  }

  /** Gives signs of life from now on: for a lock that is held longer than a moment. */
  keepAlive(): void {
    this.#signs ??= setInterval(() => {
      // A lock that cannot be touched now is looked at by the next `isHeld`.
      this.#confirm().catch(() => undefined);
    }, signOfLifeMs).unref();
  }

  /** Whether it is still held: others may have taken it from a process that was stopped for long. */
  async isHeld(): Promise<boolean> {
    return performance.now() - this.#confirmedAt < doubtAfterMs || (await this.#confirm());
  }

  async release(): Promise<void> {
    clearInterval(this.#signs);
    if ((await readHolder(this.#file))?.token === this.#token) await rm(this.#file, { force: true });
  }

  async #confirm(): Promise<boolean> {
    if ((await readHolder(this.#file))?.token !== this.#token) return false;
    const now = new Date();
    await utimes(this.#file, now, now);
    this.#confirmedAt = performance.now();
    return true;
  }
}

/** Takes the lock, or says who holds it. The lock's folder must exist. @throws NcfError `LOCK_UNSUPPORTED` */
export async function tryFileLock(file: string): Promise<FileLock | LockHolder> {
  for (;;) {
    const holder = await readHolder(file);
    if (holder !== null) {
      if (!(await isGone(file, holder)) || !(await removeLockOf(holder, file))) return holder;
    }
    const lock = await take(file);
    if (lock !== null) return lock;
  }
}

const queues = new Map<string, Promise<unknown>>();

/**
 * Does `task` while holding the lock, waiting for it where needed. Tasks of this process take turns without a look at
 * the file.
 *
 * @throws NcfError `LOCK_NOT_FREED`, retriable, when another holder keeps it for longer than `waitMs`
 */
export async function withFileLock<T>(file: string, task: (lock: FileLock) => Promise<T>, waitMs = 30_000): Promise<T> {
  const before = queues.get(file) ?? Promise.resolve();
  const run = before.then(() => locked(file, task, waitMs));
  const settled = run.catch(() => undefined);
  queues.set(file, settled);
  try {
    return await run;
  } finally {
    if (queues.get(file) === settled) queues.delete(file);
  }
}

async function locked<T>(file: string, task: (lock: FileLock) => Promise<T>, waitMs: number): Promise<T> {
  const lock = await waitForLock(file, waitMs);
  try {
    return await task(lock);
  } finally {
    await lock.release();
  }
}

async function waitForLock(file: string, waitMs: number): Promise<FileLock> {
  const start = performance.now();
  for (let attempt = 1; ; attempt++) {
    const found = await tryFileLock(file);
    if (found instanceof FileLock) return found;
    if (performance.now() - start > waitMs) {
      throw new NcfError(
        "LOCK_NOT_FREED",
        `expected ${file} to be free within ${waitMs / 1000} s, found it held by ${holderText(found)}. Wait for that ` +
          "process or end it; if it is not running, remove the file",
        { retriable: true },
      );
    }
    // At random, so that processes which wait for each other do not keep step.
    await sleep(1 + Math.random() * Math.min(25, 2 * attempt));
  }
}

/** Names a lock's holder in an error. */
export function holderText({ pid, machine }: LockHolder): string {
  return `process ${pid} on ${machine.split(" ")[0]}`;
}

async function take(file: string): Promise<FileLock | null> {
  const token = randomBytes(8).toString("hex");
  const draft = `${file}.${token}.tmp`;
  const holder: LockHolder = { token, pid: process.pid, machine: thisMachine(), started: startOf(process.pid) };
  await writeFile(draft, JSON.stringify(holder), { flag: "wx" });
  try {
    await link(draft, file);
    return new FileLock(file, token);
  } catch (cause) {
    if (hasCode(cause, "EEXIST")) return null;
    if (["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"].some((code) => hasCode(cause, code)))
      throw unsupported(file, cause);
    throw cause;
  } finally {
    await rm(draft, { force: true });
  }
}

function unsupported(file: string, cause: unknown): NcfError {
  return new NcfError(
    "LOCK_UNSUPPORTED",
    `expected a file system with hard links at ${file}, found one that refuses them, as exFAT and some network drives do. ` +
      "Choose a folder on a local disk",
    { cause },
  );
}

/** False when another process is about to do it. */
async function removeLockOf(holder: LockHolder, file: string): Promise<boolean> {
  const right = await tryFileLock(`${file}.${holder.token}.gone.tmp`);
  if (!(right instanceof FileLock)) return false;
  try {
    if ((await readHolder(file))?.token === holder.token) await rm(file, { force: true });
    return true;
  } finally {
    await right.release();
  }
}

/** Null when nobody holds the lock. A file that is no lock has a holder without a machine, judged by the file's age. */
async function readHolder(file: string): Promise<LockHolder | null> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    if (hasCode(cause, "ENOENT")) return null;
    throw cause;
  }
  try {
    const found = JSON.parse(text);
    if (/^[0-9a-f]{16}$/.test(found.token) && Number.isSafeInteger(found.pid) && typeof found.machine === "string") {
      return found;
    }
  } catch {
    // Falls through: not a lock.
  }
  return { token: "unknown", pid: 0, machine: "", started: null };
}

async function isGone(file: string, holder: LockHolder): Promise<boolean> {
  if (holder.machine === thisMachine()) {
    if (!isRunning(holder.pid)) return true;
    const started = startOf(holder.pid);
    if (started !== null && holder.started !== null) return started !== holder.started;
  }
  const touchedMs = await stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    () => Number.POSITIVE_INFINITY,
  );
  return Date.now() - touchedMs > goneAfterMs;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    // EPERM: it runs, under another user.
    return hasCode(cause, "EPERM");
  }
}

/** Linux counts a process's start in ticks since boot; a zombie has ended, so it has none. */
function startOf(pid: number): string | null {
  const status = fileText(`/proc/${pid}/stat`);
  if (status === null) return null;
  // The name, in parentheses, may hold anything.
  const fields = status.slice(status.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" || fields[0] === "X" ? "ended" : fields[19];
}

let machine: string | undefined;

function thisMachine(): string {
  machine ??= [hostname(), fileText("/proc/sys/kernel/random/boot_id") ?? "", pidNamespace()].join(" ");
  return machine;
}

function pidNamespace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return "";
  }
}

function fileText(file: string): string | null {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    return null;
  }
}
