/**
 * The entry point of a compute thread: instantiates the kernels over the shared memory and makes the calls that it is
 * sent. Plain JavaScript, so that the thread starts at once, without a TypeScript loader, wherever it is installed.
 */
import { parentPort, workerData } from "node:worker_threads";

const { module, memory, index, count, patience } = workerData;
const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
exports.enter(index, count, patience);
parentPort.on("message", ({ name, args }) => {
  exports[name](...args);
  parentPort.postMessage(null);
});
