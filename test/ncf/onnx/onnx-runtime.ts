/** The real ONNX Runtime for tests: from the folder that NCF_ONNXRUNTIME names, or a reason to skip. */
import { describe } from "vitest";
import { loadOnnxRuntime, type OnnxRuntime } from "../../../bench/onnx-runtime.ts";

const folder = process.env.NCF_ONNXRUNTIME;
if (folder === undefined && process.env.CI_REQUIRE_SERVICES) {
  throw new Error("expected NCF_ONNXRUNTIME, the folder where scripts/install-onnxruntime.sh put ONNX Runtime");
}

/** Describes tests that get ONNX Runtime; skipped where NCF_ONNXRUNTIME is not set. */
export function describeWithOnnxRuntime(title: string, tests: (runtime: OnnxRuntime) => void): void {
  if (folder === undefined) describe.skip(`${title} (NCF_ONNXRUNTIME is not set)`, () => {});
  else describe(title, () => tests(loadOnnxRuntime(folder)));
}
