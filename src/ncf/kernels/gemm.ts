/** Matrix products in register tiles of 4 × 8. Weights come in panels of 8 columns, so that a tile reads them in a row. */
import { madd } from "./simd";

/**
 * C[M, N] = A[M, K] · W[K, N] + bias, with max(0, ·) if `relu`. M = rows, K = inputs (a multiple of 8), N = outputs
 * (a multiple of 8).
 *
 * @param rowA, rowC bytes from one row to the next
 * @param W panels, shape [N / 8, K, 8]
 * @param bias shape [N], or 0 for none
 */
export function gemm(
  A: usize,
  rowA: usize,
  W: usize,
  bias: usize,
  C: usize,
  rowC: usize,
  M: u32,
  K: u32,
  N: u32,
  relu: bool,
): void {
  const floor = f32x4.splat(relu ? 0 : -Infinity);
  for (let n: u32 = 0; n < N; n += 8) {
    const panel: usize = W + n * (K << 2);
    let b0 = f32x4.splat(0);
    let b1 = f32x4.splat(0);
    if (bias) {
      b0 = v128.load(bias + (n << 2));
      b1 = v128.load(bias + (n << 2), 16);
    }
    let a: usize = A;
    let c: usize = C + (n << 2);
    let m: u32 = 0;
    for (; m + 4 <= M; m += 4) {
      let a0 = a;
      let a1 = a0 + rowA;
      let a2 = a1 + rowA;
      let a3 = a2 + rowA;
      a = a3 + rowA;
      let c00 = b0,
        c01 = b1,
        c10 = b0,
        c11 = b1,
        c20 = b0,
        c21 = b1,
        c30 = b0,
        c31 = b1;
      let w = panel;
      const end: usize = panel + (K << 5);
      while (w < end) {
        const w0 = v128.load(w);
        const w1 = v128.load(w, 16);
        const x0 = v128.load32_splat(a0);
        c00 = madd(x0, w0, c00);
        c01 = madd(x0, w1, c01);
        const x1 = v128.load32_splat(a1);
        c10 = madd(x1, w0, c10);
        c11 = madd(x1, w1, c11);
        const x2 = v128.load32_splat(a2);
        c20 = madd(x2, w0, c20);
        c21 = madd(x2, w1, c21);
        const x3 = v128.load32_splat(a3);
        c30 = madd(x3, w0, c30);
        c31 = madd(x3, w1, c31);
        a0 += 4;
        a1 += 4;
        a2 += 4;
        a3 += 4;
        w += 32;
      }
      v128.store(c, f32x4.pmax(c00, floor));
      v128.store(c, f32x4.pmax(c01, floor), 16);
      c += rowC;
      v128.store(c, f32x4.pmax(c10, floor));
      v128.store(c, f32x4.pmax(c11, floor), 16);
      c += rowC;
      v128.store(c, f32x4.pmax(c20, floor));
      v128.store(c, f32x4.pmax(c21, floor), 16);
      c += rowC;
      v128.store(c, f32x4.pmax(c30, floor));
      v128.store(c, f32x4.pmax(c31, floor), 16);
      c += rowC;
    }
    for (; m < M; m++) {
      let c0 = b0,
        c1 = b1;
      for (let k: usize = 0; k < K; k++) {
        const x = v128.load32_splat(a + (k << 2));
        c0 = madd(x, v128.load(panel + (k << 5)), c0);
        c1 = madd(x, v128.load(panel + (k << 5), 16), c1);
      }
      v128.store(c, f32x4.pmax(c0, floor));
      v128.store(c, f32x4.pmax(c1, floor), 16);
      a += rowA;
      c += rowC;
    }
  }
}

/**
 * G[K, N] = A[M, K]ᵀ · D[M, N], in panels of 8 columns: shape [N / 8, K, 8]. M = rows, K and N multiples of 8.
 */
export function gemmTransposed(A: usize, rowA: usize, D: usize, rowD: usize, G: usize, M: u32, K: u32, N: u32): void {
  for (let k: u32 = 0; k < K; k += 4) {
    for (let n: u32 = 0; n < N; n += 8) {
      let c00 = f32x4.splat(0),
        c01 = c00,
        c10 = c00,
        c11 = c00,
        c20 = c00,
        c21 = c00,
        c30 = c00,
        c31 = c00;
      let a: usize = A + (k << 2);
      let d: usize = D + (n << 2);
      for (let m: u32 = 0; m < M; m++) {
        const w0 = v128.load(d);
        const w1 = v128.load(d, 16);
        const x0 = v128.load32_splat(a);
        c00 = madd(x0, w0, c00);
        c01 = madd(x0, w1, c01);
        const x1 = v128.load32_splat(a, 4);
        c10 = madd(x1, w0, c10);
        c11 = madd(x1, w1, c11);
        const x2 = v128.load32_splat(a, 8);
        c20 = madd(x2, w0, c20);
        c21 = madd(x2, w1, c21);
        const x3 = v128.load32_splat(a, 12);
        c30 = madd(x3, w0, c30);
        c31 = madd(x3, w1, c31);
        a += rowA;
        d += rowD;
      }
      const g: usize = G + ((n * K + (k << 3)) << 2);
      v128.store(g, c00);
      v128.store(g, c01, 16);
      v128.store(g, c10, 32);
      v128.store(g, c11, 48);
      v128.store(g, c20, 64);
      v128.store(g, c21, 80);
      v128.store(g, c30, 96);
      v128.store(g, c31, 112);
    }
  }
}
