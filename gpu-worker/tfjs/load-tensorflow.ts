/** Loads TensorFlow.js from wherever it is installed. */
import { createRequire } from "node:module";
import path from "node:path";
import util from "node:util";
import { NcfError } from "../../src/core/errors.ts";
import type { TensorFlow } from "./tensorflow.ts";

/** The package with a GPU first: the one without is for tests, and for machines that have none. */
const packages = ["@tensorflow/tfjs-node-gpu", "@tensorflow/tfjs-node"] as const;

/**
 * @param folder with the `node_modules` that hold the package
 * @throws NcfError `TENSORFLOW_UNAVAILABLE`
 */
export function loadTensorFlow(folder: string): TensorFlow {
  // Gone from Node 23 on; the package's kernels call them.
  Object.assign(util, {
    isNullOrUndefined: (value: unknown) => value === null || value === undefined,
    isArray: Array.isArray,
  });
  const require = createRequire(path.join(path.resolve(folder), "package.json"));
  const reasons: string[] = [];
  for (const name of packages) {
    try {
      return require(name) as TensorFlow;
    } catch (error) {
      reasons.push(`${name}: ${error instanceof Error ? error.message.split("\n")[0] : String(error)}`);
    }
  }
  throw new NcfError(
    "TENSORFLOW_UNAVAILABLE",
    `expected TensorFlow.js in ${folder}/node_modules, found none that loads (${reasons.join("; ")}). Install gpu-worker's ` +
      "packages, or use --backend wasm",
  );
}
