/** The real TensorFlow.js for tests: from the folder that NCF_TFJS_NODE names, or a reason to skip. */
import { describe } from "vitest";
import { loadTensorFlow } from "../../gpu-worker/tfjs/load-tensorflow.ts";
import type { TensorFlow } from "../../gpu-worker/tfjs/tensorflow.ts";

const folder = process.env.NCF_TFJS_NODE;
if (folder === undefined && process.env.CI_REQUIRE_SERVICES) {
  throw new Error("expected NCF_TFJS_NODE, the folder where scripts/install-tfjs-node.sh put TensorFlow.js");
}

/** Describes tests that get TensorFlow.js; skipped where NCF_TFJS_NODE is not set. */
export function describeWithTensorFlow(title: string, tests: (tf: TensorFlow) => void): void {
  if (folder === undefined) describe.skip(`${title} (NCF_TFJS_NODE is not set)`, () => {});
  else describe(title, () => tests(loadTensorFlow(folder)));
}
