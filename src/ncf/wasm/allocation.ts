/** Addresses in linear memory as they are handed out, and the descriptor's slots as they are collected. */
import * as slot from "../kernels/layout.ts";

export const floatBytes = 4;

/** Rows of a batch that one thread computes from end to end; part of the arithmetic, as sums go unit by unit. */
export const unitRows = 64;

/** Hands out addresses upwards, each on a cache line of its own. */
export class Allocator {
  top = slot.descriptor + slot.descriptorBytes;
  readonly #contents: { at: number; data: ArrayBufferView }[] = [];

  bytes(count: number): number {
    const at = this.top;
    this.top += Math.ceil(count / 64) * 64;
    return at;
  }

  floats(count: number): number {
    return this.bytes(count * floatBytes);
  }

  /** Room for values, first and second moments. */
  trained(count: number): [number, number, number] {
    return [this.floats(count), this.floats(count), this.floats(count)];
  }

  /** Room for `data`, which `copy` fills in. */
  holding(data: ArrayBufferView): number {
    const at = this.bytes(data.byteLength);
    this.#contents.push({ at, data });
    return at;
  }

  /** Fills the held contents in, once, and lets go of them: at full size they are hundreds of megabytes. */
  copy(buffer: ArrayBuffer | SharedArrayBuffer): void {
    const bytes = new Uint8Array(buffer);
    for (const { at, data } of this.#contents.splice(0)) {
      bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    }
  }
}

/** The descriptor's slots as they are collected: address → integer or float64. */
export class Descriptor {
  readonly #integers = new Map<number, number>();
  readonly #reals = new Map<number, number>();

  integer(index: number, value: number, base: number = slot.descriptor): void {
    this.#integers.set(base + 8 * index, value);
  }

  real(index: number, value: number, base: number = slot.descriptor): void {
    this.#reals.set(base + 8 * index, value);
  }

  write(buffer: ArrayBuffer | SharedArrayBuffer): void {
    const view = new DataView(buffer);
    for (const [at, value] of this.#integers) view.setUint32(at, value, true);
    for (const [at, value] of this.#reals) view.setFloat64(at, value, true);
  }
}
