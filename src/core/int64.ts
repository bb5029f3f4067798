/** 64-bit integers as numbers, for those up to 2^53, by their halves: as BigInts, tens of thousands would take ten times as long. */
export function numbersOfInt64(values: BigInt64Array): Float64Array {
  const halves = new Int32Array(values.buffer, values.byteOffset, values.length * 2);
  const numbers = new Float64Array(values.length);
  for (let i = 0; i < numbers.length; i++) numbers[i] = halves[2 * i + 1] * 4294967296 + (halves[2 * i] >>> 0);
  return numbers;
}
