/**
 * What the CDK runs for this app (`cdk.json`): bundles the Lambdas and the worker, then synthesises. Plain JavaScript that
 * starts Node and nothing else, so that it runs wherever Node does.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const steps = [
  [at("scripts/build-lambdas.mjs")],
  [at("scripts/build-gpu-worker.mjs")],
  ["--import", "tsx", at("cdk/app.ts")],
];
for (const args of steps) {
  // On stdout the CDK expects nothing of ours.
  const { status, error } = spawnSync(process.execPath, args, { cwd: at("."), stdio: ["ignore", 2, 2] });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}
