/** The numeric backends, by the names of the command line. */
import type { NumericBackend } from "../ncf/backend.ts";
import { referenceBackend } from "../ncf/reference/backend.ts";
import { wasmBackend } from "../ncf/wasm/backend.ts";

export const backendNames = ["wasm", "reference"] as const;
export type BackendName = (typeof backendNames)[number];

export function backendNamed(name: BackendName): NumericBackend {
  return name === "wasm" ? wasmBackend() : referenceBackend;
}
