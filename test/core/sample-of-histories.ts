import type { Sample } from "../../src/core/sample.ts";

/** A sample in which user u, whose training interactions are histories[u], oldest first, is not tested. */
export function sampleOfHistories(histories: readonly (readonly number[])[], items: number): Sample {
  const offsets = Uint32Array.from([0, ...histories.map(({ length }) => length)]);
  for (let user = 0; user < histories.length; user++) offsets[user + 1] += offsets[user];
  return {
    userIds: Float64Array.from(histories.keys()),
    itemIds: Float64Array.from({ length: items }, (_, item) => item),
    userLabels: new Map(),
    itemLabels: new Map(),
    train: {
      offsets,
      items: Int32Array.from(histories.flat()),
      timestampsMs: Float64Array.from(histories.flatMap((history) => history.map((_, place) => 1000 * place))),
    },
    testItems: new Int32Array(histories.length).fill(-1),
    testTimestampsMs: new Float64Array(histories.length).fill(Number.NaN),
  };
}
