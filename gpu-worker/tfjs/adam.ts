/** Adam (Kingma and Ba 2015, algorithm 1) over whole tensors, touched by the batch or not. */
import type { NcfConfig } from "../../src/ncf/config.ts";
import type { TensorFlow, TfTensor, TfVariable } from "./tensorflow.ts";

/** A trained variable with its moments, all of one shape. */
export interface AdamVariable {
  readonly value: TfVariable;
  readonly m: TfVariable;
  readonly v: TfVariable;
}

export function adamVariable(tf: TensorFlow, value: TfVariable): AdamVariable {
  const zeros = (): TfVariable => {
    const initial = tf.zeros(value.shape);
    const variable = tf.variable(initial, false);
    initial.dispose();
    return variable;
  };
  return { value, m: zeros(), v: zeros() };
}

/**
 * One update. TensorFlow.js's own Adam keeps 1 − beta2^t in float32, which costs the first steps five digits; here it is
 * computed in float64. Both corrections are taken out of the moments:
 * lr · (m / c1) / (sqrt(v / c2) + eps) = (lr · sqrt(c2) / c1) · m / (sqrt(v) + eps · sqrt(c2)).
 *
 * @param step of this update, 1 for the first
 */
export function adamStep(
  { learningRate, adamBetas: [beta1, beta2], adamEpsilon }: NcfConfig,
  step: number,
  { value, m, v }: AdamVariable,
  gradient: TfTensor,
): void {
  const rootC2 = Math.sqrt(1 - beta2 ** step);
  const rate = (learningRate * rootC2) / (1 - beta1 ** step);
  m.assign(m.mul(beta1).add(gradient.mul(1 - beta1)));
  v.assign(v.mul(beta2).add(gradient.square().mul(1 - beta2)));
  value.assign(value.sub(m.mul(rate).div(v.sqrt().add(adamEpsilon * rootC2))));
}
