/** The kinds of baselines that there are: what a run may name, and what a model file may hold. */
import type { BaselineKind } from "./baseline.ts";
import { contentBased } from "./content-based.ts";
import { ease, easeRecency } from "./ease.ts";
import { hybridKind } from "./hybrid.ts";
import { ials, ialsRecency } from "./ials.ts";
import { itemKnn, itemKnnRecency } from "./item-knn.ts";
import { decayedPopularity, popularity } from "./popularity.ts";
import { userKnn, userKnnRecency } from "./user-knn.ts";

const collaborative: readonly BaselineKind[] = [
  itemKnn,
  itemKnnRecency,
  userKnn,
  userKnnRecency,
  ease,
  easeRecency,
  ials,
  ialsRecency,
];

const kinds: readonly BaselineKind[] = [
  popularity,
  decayedPopularity,
  ...collaborative,
  contentBased,
  hybridKind({ collaborative, content: [contentBased] }),
];

export const baselineNames: readonly string[] = kinds.map(({ name }) => name);

/** Null for a name that is no baseline's. */
export function baselineKindNamed(name: string): BaselineKind | null {
  return kinds.find((kind) => kind.name === name) ?? null;
}
