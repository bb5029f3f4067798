/** Bytes with integers of variable length (LEB128): seven bits a byte, the low ones first, the top bit for "more". */
import { NcfError } from "../core/errors.ts";

export class ByteWriter {
  #bytes = new Uint8Array(1024);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** @param value integer of 0 to 2^53 */
  integer(value: number): void {
    if (this.#length + 8 > this.#bytes.length) this.#grow();
    let rest = value;
    while (rest >= 128) {
      this.#bytes[this.#length++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#length++] = rest;
  }

  /** An integer of ± 2^52, small ones of either sign in few bytes. */
  signed(value: number): void {
    this.integer(value < 0 ? -2 * value - 1 : 2 * value);
  }

  /** A copy of what was written; the writer starts anew. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = this.#bytes.slice(0, this.#length);
    this.#length = 0;
    return taken;
  }

  #grow(): void {
    const grown = new Uint8Array(2 * this.#bytes.length);
    grown.set(this.#bytes);
    this.#bytes = grown;
  }
}

export class ByteReader {
  readonly #bytes: Uint8Array;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#position >= this.#bytes.length;
  }

  /** @throws NcfError `FILE_DAMAGED` at the end of the bytes */
  integer(): number {
    let value = 0;
    for (let factor = 1; this.#position < this.#bytes.length; factor *= 128) {
      const byte = this.#bytes[this.#position++];
      if (byte < 128) return value + byte * factor;
      value += (byte - 128) * factor;
    }
    throw new NcfError("FILE_DAMAGED", "expected an integer, found the end of the bytes");
  }

  signed(): number {
    const value = this.integer();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}
