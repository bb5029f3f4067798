/**
 * What the items of a history weigh in a step: w_k = (1 + k)^−λ = exp(−λ a_k) for the newest (k = 0), the one before, and so
 * on, with ages a_k = log(1 + k), and λ = log(1 + exp θ) learnt by recency, 0 for the mean. Beside the weights stand, for
 * histories of n items, their scale (Σ w)^−alpha and the mean age alpha · Σ a w / Σ w, which the decay's gradient needs.
 *
 * There are two buffers, for even steps and odd ones: one thread prepares the next step's while others still read this one's.
 */
import { adamStep } from "./adam";
import * as layout from "./layout";
import { real, slot } from "./memory";

const recency: u32 = 2;

/** Whether the decay is learnt. */
export function learnsDecay(): bool {
  return slot(layout.history) === recency;
}

/** The weights of a branch (0 the MLP, 1 GMF), shape [window + 1] f32; scales and mean ages follow, each of that shape. */
export function weightsOf(buffer: u32, branch: u32): usize {
  return slot(layout.historyWeights) + (buffer * 2 + branch) * 3 * tableBytes();
}

/** Bytes from the weights to the scales, and from these to the mean ages. */
export function tableBytes(): u32 {
  return (slot(layout.historyWindow) + 1) << 2;
}

/** Writes both branches' weights of the current decay to a buffer. One thread only. */
export function prepareWeights(buffer: u32): void {
  const window = slot(layout.historyWindow);
  const alpha = real(layout.historyAlpha);
  const ages = slot(layout.historyAges);
  for (let branch: u32 = 0; branch < 2; branch++) {
    const theta = <f64>load<f32>(slot(layout.decay) + (branch << 2));
    const rate = learnsDecay() ? softplus(theta) : 0;
    const weights = weightsOf(buffer, branch);
    const scales: usize = weights + tableBytes();
    const meanAges: usize = scales + tableBytes();
    let total: f64 = 0;
    let weightedAges: f64 = 0;
    store<f32>(scales, 0);
    store<f32>(meanAges, 0);
    for (let k: u32 = 0; k < window; k++) {
      const age = <f64>load<f32>(ages + (k << 2));
      const weight = Math.exp(-rate * age);
      total += weight;
      weightedAges += age * weight;
      store<f32>(weights + (k << 2), <f32>weight);
      store<f32>(scales + ((k + 1) << 2), <f32>Math.exp(-alpha * Math.log(total)));
      store<f32>(meanAges + ((k + 1) << 2), <f32>((alpha * weightedAges) / total));
    }
  }
}

/** Adam's step for both θ from the units' gradients of λ, added in unit order. One thread only, after `prepareAdam`. */
export function updateDecay(units: u32): void {
  const partial = slot(layout.decayPartial);
  const gradient = slot(layout.decayGradient);
  for (let branch: u32 = 0; branch < 2; branch++) {
    let sum: f64 = 0;
    for (let u: u32 = 0; u < units; u++) sum += load<f64>(partial + (u << 4) + (branch << 3));
    const theta = <f64>load<f32>(slot(layout.decay) + (branch << 2));
    store<f32>(gradient + (branch << 2), <f32>(sum / (1 + Math.exp(-theta))));
  }
  adamStep(slot(layout.decay), slot(layout.decayM), slot(layout.decayV), v128.load(gradient));
}

function softplus(x: f64): f64 {
  return Math.max(x, 0) + Math.log(1 + Math.exp(-Math.abs(x)));
}
