/** The model that --model or --registry names, with the sample that it was fitted to. */
import { ObjectStoreRegistry } from "../adapters/registry/object-store-registry.ts";
import { type FittedModel, userModelOf } from "../app/fitted-model.ts";
import { trainedItems } from "../app/new-items.ts";
import { readPublished } from "../app/published-model.ts";
import { NcfError } from "../core/errors.ts";
import type { ItemDetails } from "../core/ratings.ts";
import type { Sample } from "../core/sample.ts";
import type { UserModel } from "../core/user-model.ts";
import { createScorer } from "../ncf/wasm/scorer.ts";
import { readModelFolder } from "./model-folder.ts";
import { storeAt } from "./places.ts";

export interface ModelChoice {
  readonly model?: string | undefined;
  readonly registry?: string | undefined;
  /** The sample's folder; OUT/sample for a model in OUT/models where it is not given. */
  readonly sample?: string | undefined;
}

export interface ChosenModel {
  readonly fitted: FittedModel;
  readonly sample: Sample;
  /** Titles and genres, as far as the source lists them. */
  readonly items: readonly ItemDetails[];
  /** Another model or sample has another one. */
  readonly version: string;
}

/**
 * @throws NcfError `USAGE` unless one of --model and --registry is given, `NO_CHAMPION`, those of reading either
 */
export async function chooseModel({ model, registry, sample }: ModelChoice): Promise<ChosenModel> {
  if ((model === undefined) === (registry === undefined)) {
    const found = model === undefined ? "neither" : "both";
    throw new NcfError("USAGE", `expected either --model DIR or --registry DIR, found ${found}`);
  }
  if (registry !== undefined) {
    if (sample !== undefined) throw new NcfError("USAGE", "expected no sample with --registry, which has its own");
    return champion(registry);
  }
  const { model: fitted, files, sha256 } = await readModelFolder(model ?? "", sample);
  return { fitted, sample: files.sample, items: files.items, version: sha256 };
}

/** As it is served. */
export function chosenUserModel({ fitted, sample, items }: ChosenModel): UserModel {
  return userModelOf(createScorer, fitted, trainedItems(sample), items);
}

async function champion(place: string): Promise<ChosenModel> {
  const registry = new ObjectStoreRegistry(await storeAt(place));
  const found = await registry.champion();
  if (found === null) {
    throw new NcfError("NO_CHAMPION", `expected a champion in ${place}, found none. Publish one: ncf run --publish`);
  }
  const { model: fitted, sample, items } = await readPublished(registry, found.version);
  return { fitted, sample, items, version: found.version };
}
