/**
 * Bundles the worker for its instances into dist/gpu-worker, or the folder that is its argument: one file, the kernels
 * beside it, and what `npm ci` and pip install TensorFlow.js and CUDA by where there is a GPU. The same sources make the
 * same bytes.
 */
import { cpSync, mkdirSync, rmSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const out = path.resolve(process.argv[2] ?? at("dist/gpu-worker"));

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
await build({
  absWorkingDir: at("."),
  entryPoints: ["gpu-worker/main.ts"],
  outfile: path.join(out, "main.mjs"),
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node22",
  // Native: installed on the instance.
  external: ["@tensorflow/*"],
  // For packages written for require().
  banner: {
    js: 'import { createRequire as requireOf } from "node:module"; const require = requireOf(import.meta.url);',
  },
  logLevel: "warning",
});
const beside = [
  ...["training-relaxed.wasm", "training-simd.wasm", "training-single.wasm", "scoring.wasm", "worker.mjs"].map(
    (name) => `src/ncf/wasm/${name}`,
  ),
  "gpu-worker/package.json",
  "gpu-worker/package-lock.json",
  "gpu-worker/cuda-requirements.txt",
];
for (const file of beside) cpSync(at(file), `${out}/${file.slice(file.lastIndexOf("/") + 1)}`);
