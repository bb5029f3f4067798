/** Facts about the machine and this process. */
import { readFileSync } from "node:fs";
import os from "node:os";
import type { MachineFacts } from "../app/report/build-report.ts";

export function machineFacts(): MachineFacts {
  return {
    cpu: os.cpus()[0]?.model.trim() ?? "unknown",
    cores: os.availableParallelism(),
    node: process.version,
    os: `${os.type()} ${os.release()} ${os.arch()}`,
  };
}

/**
 * The most memory that this process has had resident, in bytes. Linux counts the parent's memory into a child's
 * `maxRSS` when it starts it, so there the figure of this program's own address space is read.
 */
export function peakRssBytes(): number {
  return highWaterMarkBytes("self") ?? process.resourceUsage().maxRSS * 1024;
}

/** The peak of another process's resident memory, as Linux says it; undefined elsewhere, and once it has ended. */
export function highWaterMarkBytes(pid: number | "self"): number | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    const kilobytes = /VmHWM:\s*(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined;
  }
}
