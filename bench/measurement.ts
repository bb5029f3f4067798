/** What every benchmark prints beside its figures, and how it sums up repeated timings. */
import { cpus, loadavg, totalmem } from "node:os";

/** The middle value; the mean of the two middle ones for an even count. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >>> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** One line that names the machine and how busy it is. */
export function machineLine(): string {
  const [cpu] = cpus();
  const memoryGiB = (totalmem() / 2 ** 30).toFixed(0);
  return (
    `machine: ${cpus().length} x ${cpu?.model.trim()}, ${memoryGiB} GiB, ${process.platform} ${process.arch}, ` +
    `Node ${process.versions.node}, load ${loadavg()[0].toFixed(2)}`
  );
}

/** A whole number with thin groups: 1 234 567. */
export function grouped(value: number): string {
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, " ");
}
