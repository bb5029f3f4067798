/** Which backend trains: finds out what the machine has, says so, and falls back to wasm rather than fail. */
import type { ModelExport } from "../src/app/worker/train-run.ts";
import { NcfError } from "../src/core/errors.ts";
import type { NumericBackend } from "../src/ncf/backend.ts";
import type { NcfConfig } from "../src/ncf/config.ts";
import { wasmBackend } from "../src/ncf/wasm/backend.ts";
import { layersModelFiles } from "./tfjs/layers-model.ts";
import type { TensorFlow } from "./tfjs/tensorflow.ts";
import { tfjsBackend } from "./tfjs/tfjs-backend.ts";

export const backendWishes = ["auto", "tfjs", "wasm"] as const;
export type BackendWish = (typeof backendWishes)[number];

/**
 * From so many samples a step on, `auto` takes the GPU. A step of the tfjs backend is some hundred launches, whatever the
 * batch; below this, wasm on the machine's CPUs has finished the step by then.
 */
export const gpuBatchSize = 16_384;

export interface BackendChoiceDeps {
  /** What `nvidia-smi` says of the GPU, such as "Tesla T4, 535.104.05, 15360 MiB"; null where there is none. */
  readonly askGpu: () => Promise<string | null>;
  /** @throws NcfError `TENSORFLOW_UNAVAILABLE` */
  readonly loadTensorFlow: () => TensorFlow;
  readonly log: (line: string) => void;
}

export interface BackendChoice {
  readonly backendFor: (config: Pick<NcfConfig, "batchSize">) => NumericBackend;
  /** Of a model that the tfjs backend trained: it as a LayersModel. Of others: nothing. */
  readonly exportModel: ModelExport;
}

/** @throws NcfError `TENSORFLOW_UNAVAILABLE` where tfjs itself was wished for and cannot be had */
export async function chooseBackend(wish: BackendWish, deps: BackendChoiceDeps): Promise<BackendChoice> {
  const { askGpu, loadTensorFlow, log } = deps;
  const wasm = wasmBackend();
  const onlyWasm = { backendFor: () => wasm, exportModel: async () => new Map() };
  if (wish === "wasm") {
    log("backend: wasm, as asked for");
    return onlyWasm;
  }
  const gpu = await askGpu();
  log(`GPU: ${gpu ?? "none that nvidia-smi knows"}`);
  if (wish === "auto" && gpu === null) {
    log("warning: no GPU, so models are trained with wasm on the CPU");
    return onlyWasm;
  }
  let tf: TensorFlow;
  try {
    tf = loadTensorFlow();
  } catch (error) {
    if (wish === "tfjs" || !(error instanceof NcfError)) throw error;
    log(`warning: there is a GPU, but no TensorFlow.js, so models are trained with wasm on the CPU: ${error.message}`);
    return onlyWasm;
  }
  const { binding, isUsingGpuDevice = false } = tf.backend();
  log(
    `TensorFlow.js ${tf.version["tfjs-core"]}, libtensorflow ${binding?.TF_Version ?? "unknown"}, computing on the ` +
      `${isUsingGpuDevice ? "GPU" : "CPU"}`,
  );
  const tfjs = tfjsBackend(tf);
  const exportModel: ModelExport = async (backend, model) =>
    backend === tfjs ? layersModelFiles(tf, model) : new Map();
  if (wish === "tfjs") {
    if (!isUsingGpuDevice) log("warning: TensorFlow.js uses no GPU; on a CPU, wasm is faster");
    return { backendFor: () => tfjs, exportModel };
  }
  if (!isUsingGpuDevice) {
    log(
      "warning: TensorFlow.js does not use the GPU (driver, CUDA and cuDNN must fit libtensorflow), so models are trained with wasm",
    );
    return onlyWasm;
  }
  const backendFor = ({ batchSize }: Pick<NcfConfig, "batchSize">): NumericBackend => {
    const backend = batchSize >= gpuBatchSize ? tfjs : wasm;
    log(`backend: ${backend.name} for batches of ${batchSize}; the GPU pays from ${gpuBatchSize} on`);
    return backend;
  };
  return { backendFor, exportModel };
}
