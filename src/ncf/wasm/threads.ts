/** Runs the kernels' exported functions on worker threads over one shared memory, or in this thread where it must. */
import { Worker } from "node:worker_threads";
import { NcfError } from "../../core/errors.ts";
import type { TrainingRuntime } from "./runtime.ts";

export interface ThreadPool {
  /** Calls an exported function on every thread at once; resolves when all have returned. */
  callAll(name: string, ...args: number[]): Promise<void>;
  /** Calls it on the first thread only. */
  callFirst(name: string, ...args: number[]): Promise<void>;
  close(): Promise<void>;
}

/**
 * `count` compute threads. All of them are workers, so the event loop stays free while they compute; they keep the
 * process alive only during a call.
 */
export function workerPool(runtime: TrainingRuntime, memory: WebAssemblyMemory, count: number): ThreadPool {
  let failure: NcfError | null = null;
  let fail: ((error: NcfError) => void) | null = null;
  const workers = Array.from({ length: count }, (_, index) => {
    const worker = new Worker(new URL("./worker.mjs", import.meta.url), {
      workerData: { module: runtime.module, memory, index, count },
      execArgv: [],
    });
    worker.unref();
    worker.on("error", (cause) => {
      failure ??= new NcfError("WORKER_FAILED", `a training thread failed: ${String(cause)}`, { cause });
      fail?.(failure);
    });
    return worker;
  });

  const call = async (targets: readonly Worker[], name: string, args: readonly number[]): Promise<void> => {
    if (failure !== null) throw failure;
    for (const worker of targets) worker.ref();
    try {
      await new Promise<void>((resolve, reject) => {
        fail = reject;
        let waiting = targets.length;
        for (const worker of targets) {
          worker.once("message", () => {
            if (--waiting === 0) resolve();
          });
          worker.postMessage({ name, args });
        }
      });
    } finally {
      fail = null;
      for (const worker of targets) worker.unref();
    }
  };
  return {
    callAll: (name, ...args) => call(workers, name, args),
    callFirst: (name, ...args) => call(workers.slice(0, 1), name, args),
    async close() {
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}

/** The same in the calling thread, for runtimes without shared memory: each call blocks until it returns. */
export function inlinePool(runtime: TrainingRuntime, memory: WebAssemblyMemory): ThreadPool {
  const { exports } = new WebAssembly.Instance(runtime.module, { env: { memory } });
  const call = async (name: string, ...args: number[]): Promise<void> => {
    (exports[name] as (...args: number[]) => void)(...args);
  };
  (exports.enter as (index: number, count: number) => void)(0, 1);
  return { callAll: call, callFirst: call, close: async () => {} };
}
