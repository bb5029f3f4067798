/** Finds out what the machine can do and compiles the fitting build of the training kernels. */
import { readFile } from "node:fs/promises";
import { setFlagsFromString } from "node:v8";
import { NcfError } from "../../core/errors.ts";

/** Which build to use: the best that runs here, or plain SIMD whatever the machine can do. */
export type SimdChoice = "best" | "plain";

export interface TrainingRuntime {
  readonly module: WebAssemblyModule;
  /** Whether the module takes a shared memory, so that several threads can run it. */
  readonly shared: boolean;
  /** Names how results are rounded: see `TrainingSession.arithmetic`. */
  readonly arithmetic: "wasm relaxed fma" | "wasm simd";
}

/** The smallest module that uses relaxed multiply-add: (func (drop (f32x4.relaxed_madd …))). */
const relaxedProbe = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10, 20, 1, 18, 0, 65, 0, 253, 17, 65, 0, 253, 17, 65, 0,
  253, 17, 253, 133, 2, 26, 11,
]);

/**
 * Compiles the training kernels.
 *
 * @throws NcfError `WASM_UNSUPPORTED` where the runtime has no SIMD
 */
export async function trainingRuntime(
  options: { simd?: SimdChoice; sharedMemory?: boolean } = {},
): Promise<TrainingRuntime> {
  const shared = options.sharedMemory ?? typeof SharedArrayBuffer !== "undefined";
  if (shared && (options.simd ?? "best") === "best" && hasRelaxedSimd()) {
    const module = await WebAssembly.compile(await kernelFile("training-relaxed.wasm"));
    if (fuses(module)) return { module, shared, arithmetic: "wasm relaxed fma" };
  }
  const bytes = await kernelFile(shared ? "training-simd.wasm" : "training-single.wasm");
  if (!WebAssembly.validate(bytes)) {
    throw new NcfError(
      "WASM_UNSUPPORTED",
      "expected a runtime with WebAssembly SIMD, found none: use Node 20.19 or later on x64 or arm64, or the reference backend",
    );
  }
  return { module: await WebAssembly.compile(bytes), shared, arithmetic: "wasm simd" };
}

/** The bytes of a committed kernel file. */
function kernelFile(name: string): Promise<Uint8Array> {
  return readFile(new URL(name, import.meta.url));
}

/** Node 20 has relaxed SIMD behind a flag of the whole process; later versions do not know the flag any more. */
function hasRelaxedSimd(): boolean {
  if (WebAssembly.validate(relaxedProbe)) return true;
  setFlagsFromString("--experimental-wasm-relaxed-simd");
  return WebAssembly.validate(relaxedProbe);
}

/** Whether relaxed multiply-add rounds once on this machine, by its value. */
function fuses(module: WebAssemblyModule): boolean {
  const memory = new WebAssembly.Memory({ initial: 4, maximum: 4, shared: true });
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return (exports.probeMadd as () => number)() !== 0;
}
