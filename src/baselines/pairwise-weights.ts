/**
 * Weights of features by pairwise logistic regression (Rendle et al. 2009, "BPR", for a linear model):
 *
 *     minimize over b:  Σ over pairs (taken, other) of log(1 + exp(−b · (x_taken − x_other)))  +  λ/2 · Σ_f (b_f σ_f)²
 *
 * with σ_f the root mean square of a feature's differences. By Newton's method, which needs few steps from 0 as the loss is
 * convex and smooth.
 */
import { factorize, solveFactorized } from "../core/linear-algebra.ts";
import { exp } from "../core/math.ts";

const steps = 20;

/**
 * @param differences shape [pairs, features]: x_taken − x_other; scaled in place
 * @returns shape [features]
 */
export function pairwiseWeights(differences: Float64Array, features: number, ridge: number): Float64Array {
  const pairs = differences.length / features;
  const scales = rootMeanSquares(differences, features);
  for (let at = 0; at < differences.length; at++) differences[at] /= scales[at % features];
  const weights = new Float64Array(features);
  for (let step = 0; step < steps; step++) {
    const gradient = weights.map((weight) => -ridge * weight);
    const curvature = new Float64Array(features * features);
    for (let f = 0; f < features; f++) curvature[f * features + f] = ridge;
    for (let pair = 0; pair < pairs; pair++) {
      const x = differences.subarray(pair * features, (pair + 1) * features);
      let margin = 0;
      for (let f = 0; f < features; f++) margin += weights[f] * x[f];
      const missed = 1 / (1 + exp(margin));
      const spread = missed * (1 - missed);
      for (let f = 0; f < features; f++) {
        gradient[f] += missed * x[f];
        for (let g = 0; g <= f; g++) curvature[f * features + g] += spread * x[f] * x[g];
      }
    }
    factorize(curvature, features);
    solveFactorized(curvature, gradient, features);
    for (let f = 0; f < features; f++) weights[f] += gradient[f];
  }
  return weights.map((weight, f) => weight / scales[f]);
}

/** Shape [features]; 1 for a feature that is 0 throughout. */
function rootMeanSquares(differences: Float64Array, features: number): Float64Array {
  const sums = new Float64Array(features);
  for (let at = 0; at < differences.length; at++) sums[at % features] += differences[at] ** 2;
  return sums.map((sum) => (sum > 0 ? Math.sqrt((sum * features) / differences.length) : 1));
}
