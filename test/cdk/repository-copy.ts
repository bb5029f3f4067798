/** A copy of the repository in which bundles are built, so that other tests keep those that they are reading. */
import { cpSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const repository = fileURLToPath(new URL("../..", import.meta.url));

const notCopied = new Set([".git", "node_modules", "dist", "cdk.out", "ncf-out", "test", "bench"]);

/** @returns the copy's folder */
export function copyRepository(into: string): string {
  const copy = path.join(into, "repository");
  mkdirSync(copy);
  for (const name of readdirSync(repository).filter((entry) => !notCopied.has(entry))) {
    cpSync(path.join(repository, name), path.join(copy, name), {
      recursive: true,
      filter: (source) => path.basename(source) !== "node_modules",
    });
  }
  symlinkSync(path.join(repository, "node_modules"), path.join(copy, "node_modules"), "junction");
  return copy;
}
