import { open, rm, stat } from "node:fs/promises";

/** Makes what was renamed, linked or removed in `folder` durable; not every platform can sync a folder. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r").catch(() => null);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

/** A writer that was killed leaves its draft; after so long nobody is writing to it any more. */
const abandonedAfterMs = 3_600_000;

/** Removes a draft whose writer was killed; one that is young, or gone already, is left alone. */
export async function removeIfAbandoned(draft: string): Promise<void> {
  const { mtimeMs } = await stat(draft).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
  if (Date.now() - mtimeMs > abandonedAfterMs) await rm(draft, { force: true });
}

/** Whether `cause` is a system error with this code, such as "ENOENT". */
export function hasCode(cause: unknown, code: string): boolean {
  return cause instanceof Error && "code" in cause && cause.code === code;
}
