/** Where the bundles lie that Lambdas and workers run. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

export type LambdaName = "ingest" | "sample" | "launch-worker" | "score" | "interactions";

export class Assets {
  readonly #folder: string;

  /** @param folder by default `dist` of this package: built by the repository's synthesis, and part of the npm package */
  constructor(folder?: string) {
    this.#folder = folder ?? path.join(packageFolder(), "dist");
  }

  /** @throws Error where it was not built */
  lambda(name: LambdaName): string {
    return this.#built(path.join("lambdas", name), "index.mjs");
  }

  /** @throws Error where it was not built */
  worker(): string {
    return this.#built("gpu-worker", "main.mjs");
  }

  #built(name: string, file: string): string {
    const folder = path.join(this.#folder, name);
    if (existsSync(path.join(folder, file))) return folder;
    throw new Error(`expected the bundle ${path.join(folder, file)}, found none. Run: npm run build:lambdas`);
  }
}

/** This file lies deeper in the package than in the repository. */
function packageFolder(): string {
  let folder = path.dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const file = path.join(folder, "package.json");
    if (existsSync(file) && (JSON.parse(readFileSync(file, "utf8")) as { name?: string }).name === "ncf-stream") {
      return folder;
    }
    const parent = path.dirname(folder);
    if (parent === folder) throw new Error("expected to lie in the package ncf-stream, found no package.json of it");
    folder = parent;
  }
}
