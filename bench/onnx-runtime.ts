/** onnxruntime-node from a folder beside the repository: it is too large for a dependency. */
import { createRequire } from "node:module";
import path from "node:path";

interface OnnxTensor {
  readonly data: Float32Array | BigInt64Array;
}

export interface OnnxSession {
  run(feeds: Readonly<Record<string, OnnxTensor>>): Promise<Readonly<Record<string, OnnxTensor>>>;
}

interface OnnxModule {
  readonly Tensor: new (
    type: "float32" | "int64",
    data: Float32Array | BigInt64Array,
    shape: readonly number[],
  ) => OnnxTensor;
  readonly InferenceSession: {
    create(model: Uint8Array, options: Readonly<Record<string, unknown>>): Promise<OnnxSession>;
  };
}

const packageName = "onnxruntime-node";

export interface OnnxRuntime {
  readonly version: string;
  /** On one thread. */
  open(model: Uint8Array): Promise<OnnxSession>;
  int64(values: Int32Array): OnnxTensor;
  float32(values: Float32Array, shape: readonly number[]): OnnxTensor;
}

/** @param folder where scripts/install-onnxruntime.sh put it */
export function loadOnnxRuntime(folder: string): OnnxRuntime {
  const require = createRequire(path.resolve(folder, "index.js"));
  const { Tensor, InferenceSession } = require(packageName) as OnnxModule;
  const { version } = require(`${packageName}/package.json`) as { readonly version: string };
  const options = {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: "sequential",
    graphOptimizationLevel: "all",
  };
  return {
    version,
    open: (model) => InferenceSession.create(model, options),
    int64: (values) => new Tensor("int64", BigInt64Array.from(Array.from(values, BigInt)), [values.length]),
    float32: (values, shape) => new Tensor("float32", values, shape),
  };
}
