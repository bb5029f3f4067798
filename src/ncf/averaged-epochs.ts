/**
 * The mean of a model over its latest epochs (Polyak and Juditsky 1992; Izmailov et al. 2018, "Averaging Weights Leads to Wider
 * Optima"): the noise of the last steps averages out, which ranks better than any single epoch. With e the epochs done,
 *
 *     mean ← mean + (parameters − mean) / min(averagedEpochs, e)
 *
 * is the plain mean at first and forgets exponentially after, so that one copy is enough whenever training ends.
 */
import type { Tensor, TensorMap } from "./parameters.ts";

/**
 * The mean with one epoch more.
 *
 * @param mean null before the first epoch
 * @param share what the new epoch counts, 1 / min(averagedEpochs, e)
 */
export function withEpoch(mean: TensorMap | null, parameters: TensorMap, share: number): Map<string, Tensor> {
  const next = new Map<string, Tensor>();
  for (const [name, { shape, data }] of parameters) {
    const before = mean?.get(name)?.data ?? data;
    next.set(name, { shape, data: data.map((value, i) => before[i] + (value - before[i]) * share) });
  }
  return next;
}
