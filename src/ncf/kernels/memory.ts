/** Reads the descriptor of layout.ts. */
import * as layout from "./layout";

/** The integer in a slot of the descriptor. */
export function slot(index: i32): u32 {
  return load<u32>(layout.descriptor + (index << 3));
}

/** The float64 in a slot of the descriptor. */
export function real(index: i32): f64 {
  return load<f64>(layout.descriptor + (index << 3));
}

/** The address of layer l's record. */
export function layerAt(l: i32): usize {
  return layout.descriptor + layout.layersAt + l * layout.layerBytes;
}

/** The integer in a slot of a layer's record. */
export function layerSlot(layer: usize, index: i32): u32 {
  return load<u32>(layer + (index << 3));
}

/** The float64 in a slot of a layer's record. */
export function layerReal(layer: usize, index: i32): f64 {
  return load<f64>(layer + (index << 3));
}
