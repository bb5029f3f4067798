/** Keeps two processes from writing into one output folder. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { NcfError } from "../core/errors.ts";

/**
 * Claims `folder` for this process, creating it where needed; the claim of a process that has ended is taken over.
 *
 * @returns what gives the folder back
 * @throws NcfError `FOLDER_IN_USE`, or `FOLDER_NOT_WRITABLE`
 */
export function lockFolder(folder: string): () => void {
  const file = path.join(folder, ".lock");
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      mkdirSync(folder, { recursive: true });
      writeFileSync(file, String(process.pid), { flag: "wx" });
      return () => rmSync(file, { force: true });
    } catch (cause) {
      if (!(cause instanceof Error && "code" in cause && cause.code === "EEXIST")) throw notWritable(folder, cause);
      const owner = ownerOf(file);
      if (owner === null) throw notWritable(folder, cause);
      if (isRunning(owner)) {
        throw new NcfError(
          "FOLDER_IN_USE",
          `${folder}: process ${owner} is writing here. Wait for it, or choose another --out`,
        );
      }
      rmSync(file, { force: true });
    }
  }
  throw new NcfError("FOLDER_IN_USE", `${folder}: another process has just taken it. Choose another --out`);
}

/** The process that the lock names; null when `file` is no lock (then something else stands in the folder's place). */
function ownerOf(file: string): number | null {
  try {
    return Number(readFileSync(file, "utf8"));
  } catch {
    return null;
  }
}

function isRunning(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    // EPERM: it runs, under another user.
    return cause instanceof Error && "code" in cause && cause.code === "EPERM";
  }
}

function notWritable(folder: string, cause: unknown): NcfError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new NcfError("FOLDER_NOT_WRITABLE", `expected a folder to write to, found ${folder}: ${reason}`, { cause });
}
