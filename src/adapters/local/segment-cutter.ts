import { wholeRecords } from "../../core/ratings/delimited.ts";
import { lineTooLong } from "../../core/ratings/segment.ts";

/** Collects a file's bytes and cuts them into segments of whole records, always at the same places. */

const segmentBytes = 4 * 1024 * 1024;
const newline = 10;

export class SegmentCutter {
  /** With room for the line break that a file may lack at its end. */
  #memory = new ArrayBuffer(segmentBytes + 1);
  #length = 0;

  get full(): boolean {
    return this.#length === segmentBytes;
  }

  /** What waits to be cut. */
  bytes(): Uint8Array {
    return new Uint8Array(this.#memory, 0, this.#length);
  }

  /** Takes bytes until it is full; gives how many. */
  append(chunk: Uint8Array): number {
    const taken = chunk.subarray(0, segmentBytes - this.#length);
    new Uint8Array(this.#memory).set(taken, this.#length);
    this.#length += taken.length;
    return taken.length;
  }

  /** Forgets the first bytes. */
  drop(count: number): void {
    new Uint8Array(this.#memory).copyWithin(0, count, this.#length);
    this.#length -= count;
  }

  /**
   * Gives away the whole records; what is left waits for more.
   *
   * @param separator see `recordEnd`
   * @param final after `end`: all that is left is given away
   * @param take gets the memory and the length of the segment in it, and returns memory of the same size to go on with
   * @throws NcfError `LINE_TOO_LONG`
   */
  cut(separator: number, final: boolean, take: (memory: ArrayBuffer, length: number) => ArrayBuffer): void {
    const bytes = this.bytes();
    const end = final ? bytes.length : wholeRecords(bytes, separator);
    if (end === 0 && bytes.length > 0) throw lineTooLong();
    const rest = bytes.slice(end);
    if (end > 0) this.#memory = take(this.#memory, end);
    new Uint8Array(this.#memory).set(rest);
    this.#length = rest.length;
  }

  /** No more bytes will come: ends the last line, where it lacks a line break. */
  end(): void {
    const bytes = new Uint8Array(this.#memory);
    if (this.#length > 0 && bytes[this.#length - 1] !== newline) bytes[this.#length++] = newline;
  }
}
