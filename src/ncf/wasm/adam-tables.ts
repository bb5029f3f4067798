/** Tables that the kernels read for Adam: bias corrections, powers, and the sums of the deferred steps (catch-up.ts). */
import { NcfError } from "../../core/errors.ts";
import { log } from "../../core/math.ts";
import type { NcfConfig } from "../config.ts";

export interface AdamTables {
  /** Beyond this step bias corrections and sums no longer change at float32's precision. */
  readonly horizon: number;
  /** Shape [horizon + 1]: 1 − beta1^t and sqrt(1 − beta2^t). */
  readonly correction1: Float64Array;
  readonly correction2: Float64Array;
  /** Shape [horizon + 1, 4]: lr · U(n), lr · (V(n) − centre · U(n)), eps · g(centre) and eps · g'(centre) at step n. */
  readonly drift: Float32Array;
  readonly centre: number;
  /** From this idle time on, beta1^k and (beta1/sqrt(beta2))^k are 0 to rounding. */
  readonly powers: number;
  /** Shape [powers, 4]: beta1^k, beta2^k, (beta1/sqrt(beta2))^k, 0. */
  readonly decays: Float32Array;
  /** Shape [powers]: beta2^(k · powers). */
  readonly decaysHigh: Float32Array;
  /** Shape [powers]: (beta1/sqrt(beta2))^k. */
  readonly powerR: Float64Array;
  /** Rows up to date at a step before `exactBelow` sum the drift term by term, from `oneBlockFrom` on in one block. */
  readonly exactBelow: number;
  readonly oneBlockFrom: number;
  /** −log(beta2). */
  readonly decayRate: number;
  readonly exactTerms: number;
  /** beta2^(−k/2) for k up to `exactTerms`, and at least to 128. */
  readonly powerHalf: Float64Array;
}

const largestTable = 2 ** 20;

/**
 * The tables for a configuration's optimizer.
 *
 * @throws NcfError `CONFIG_INVALID` where idle rows would not come to rest: beta1 must lie below sqrt(beta2), epsilon above 0
 */
export function adamTables(config: NcfConfig): AdamTables {
  const [beta1, beta2] = config.adamBetas;
  const ratio = beta1 / Math.sqrt(beta2);
  if (!(beta1 > 0 && beta2 < 1 && ratio < 1 && config.adamEpsilon > 0)) {
    throw new NcfError(
      "CONFIG_INVALID",
      `expected 0 < beta1 < sqrt(beta2) < 1 and adamEpsilon > 0, found betas ${beta1}, ${beta2} and ${config.adamEpsilon}`,
    );
  }
  const horizon = Math.min(largestTable, Math.ceil(36 / (1 - beta2)));
  const powers = Math.min(2 ** 16, Math.max(512, Math.ceil(105 / -log(ratio))));
  const exactTerms = Math.min(powers - 1, Math.ceil(14 / -log(ratio)));
  const power1 = powersOf(beta1, horizon + 1);
  const power2 = powersOf(beta2, horizon + 1);
  const correction1 = power1.map((p) => 1 - p);
  const correction2 = power2.map((p) => Math.sqrt(1 - p));
  const centre = Math.round(1 / (1 - ratio));
  const bendsLittle = (1 - beta2) / (1 - ratio) < 0.0105;
  const shortDecay1 = powersOf(beta1, powers);
  const shortDecay2 = powersOf(beta2, powers + 1);
  const powerR = powersOf(ratio, powers);
  const decays = new Float32Array(4 * powers);
  for (let k = 0; k < powers; k++) decays.set([shortDecay1[k], shortDecay2[k], powerR[k]], 4 * k);
  return {
    horizon,
    correction1,
    correction2,
    drift: driftTable(config, ratio, centre, correction1, correction2, power2),
    centre,
    powers,
    decays,
    decaysHigh: Float32Array.from(powersOf(shortDecay2[powers], powers)),
    powerR,
    exactBelow: bendsLittle ? 192 : 2 ** 32 - 1,
    oneBlockFrom: bendsLittle ? Math.ceil(1 / (1 - beta2)) : 2 ** 32 - 1,
    decayRate: -log(beta2),
    exactTerms,
    powerHalf: powersOf(1 / Math.sqrt(beta2), Math.max(exactTerms, 128) + 1),
  };
}

function powersOf(base: number, count: number): Float64Array {
  const powers = new Float64Array(count).fill(1);
  for (let k = 1; k < count; k++) powers[k] = powers[k - 1] * base;
  return powers;
}

/** U(n) = r (c(n+1) + U(n+1)) and V(n) = r (c(n+1) + U(n+1) + V(n+1)), from their limits downwards. */
function driftTable(
  config: NcfConfig,
  ratio: number,
  centre: number,
  correction1: Float64Array,
  correction2: Float64Array,
  power2: Float64Array,
): Float32Array {
  const { learningRate, adamEpsilon } = config;
  const beta2 = config.adamBetas[1];
  const horizon = correction1.length - 1;
  const table = new Float32Array(4 * (horizon + 1));
  const growth = 1 / powersOf(beta2, centre + 1)[centre];
  let u = ratio / (1 - ratio);
  let v = u / (1 - ratio);
  for (let n = horizon; n >= 0; n--) {
    if (n < horizon) {
      const c = correction2[n + 1] / correction1[n + 1];
      v = ratio * (c + u + v);
      u = ratio * (c + u);
    }
    const g = Math.sqrt(growth - power2[n]);
    const slope = (-log(beta2) * growth) / (2 * g);
    table.set([learningRate * u, learningRate * (v - centre * u), adamEpsilon * g, adamEpsilon * slope], 4 * n);
  }
  return table;
}
