import { open } from "node:fs/promises";

/** Makes what was renamed, linked or removed in `folder` durable; not every platform can sync a folder. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r").catch(() => null);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

/** Whether `cause` is a system error with this code, such as "ENOENT". */
export function hasCode(cause: unknown, code: string): boolean {
  return cause instanceof Error && "code" in cause && cause.code === code;
}
