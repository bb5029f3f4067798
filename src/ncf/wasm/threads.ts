/** Runs the kernels' exported functions on worker threads over one shared memory, or in this thread where it must. */
import { availableParallelism } from "node:os";
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
 * Looks at a barrier's word before a thread sleeps. Waking a sleeper takes longer than most phases, and longer still on a
 * virtual machine; so where every thread can have a core, threads spin for some 100 µs, longer than a waking takes: else one
 * late thread makes the other sleep, whose waking makes the first one sleep, and so on. With more threads than cores,
 * threads that spin hold up those with work.
 */
const patienceWithCores = 300_000;
const patienceWithoutCores = 4_000;

/**
 * `count` compute threads. All of them are workers, so the event loop stays free while they compute; they keep the
 * process alive only during a call.
 */
export function workerPool(runtime: TrainingRuntime, memory: WebAssemblyMemory, count: number): ThreadPool {
  const patience = count <= availableParallelism() ? patienceWithCores : patienceWithoutCores;
  let failure: NcfError | null = null;
  let fail: ((error: NcfError) => void) | null = null;
  const workers = Array.from({ length: count }, (_, index) => {
    const worker = new Worker(new URL("./worker.mjs", import.meta.url), {
      workerData: { module: runtime.module, memory, index, count, patience },
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
  (exports.enter as (index: number, count: number, patience: number) => void)(0, 1, 0);
  return { callAll: call, callFirst: call, close: async () => {} };
}
