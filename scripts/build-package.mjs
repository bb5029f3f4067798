/** What `npm pack` adds to the sources: the constructs as JavaScript with their types, and the bundles that they deploy. */
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const typescript = path.dirname(createRequire(import.meta.url).resolve("typescript/package.json"));

rmSync(path.join(root, "dist/cdk"), { recursive: true, force: true });
const steps = [
  ["scripts/build-lambdas.mjs"],
  ["scripts/build-gpu-worker.mjs"],
  [path.join(typescript, "bin/tsc"), "--project", "tsconfig.build.json"],
];
for (const step of steps) {
  // npm's own stdout belongs to whoever reads the name of the package from it.
  const { status, error } = spawnSync(process.execPath, step, { cwd: root, stdio: ["ignore", 2, 2] });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}
