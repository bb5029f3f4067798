/** A version of the registry as a served model whose histories stay in the object store: ready within a few round trips. */
import type { TrainedModel } from "../../ncf/model.ts";
import type { RowScorer } from "../../ncf/wasm/scorer.ts";
import type { Champion, ModelRegistry } from "../../ports/model-registry.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import { decodeVersion } from "../published-model.ts";
import { loadWhole } from "./champion-watch.ts";
import { type ServedModel, servedParts } from "./served-model.ts";
import { StoredHistories, StoredSnapshot } from "./stored-histories.ts";

export interface StoredVersionDeps {
  readonly registry: ModelRegistry;
  /** Where the registry keeps snapshots. */
  readonly store: ObjectStore;
  readonly createScorer: (model: TrainedModel) => RowScorer;
}

/** @throws NcfError `VERSION_UNKNOWN`, `FILE_DAMAGED`, `FILE_FOREIGN`, `OBJECT_NOT_FOUND` */
export async function loadStored(
  { registry, store, createScorer }: StoredVersionDeps,
  champion: Champion,
): Promise<ServedModel> {
  const { version, revision } = champion;
  // At the same time, though both read the card: a round trip takes longer.
  const [loaded, snapshot] = await Promise.all([
    registry.load(version),
    registry
      .card(version)
      .then(({ snapshot0 }) => (snapshot0 === null ? null : StoredSnapshot.open(store, snapshot0.key))),
  ]);
  const { model, sample, items, counts } = decodeVersion(loaded);
  // Without counts, only the histories tell what is popular.
  if (snapshot === null || counts === null) return loadWhole(registry, createScorer, champion);
  const { dataset, judged } = loaded.card;
  const histories = new StoredHistories(snapshot, sample, counts);
  return {
    version,
    dataset: { name: dataset.name, generated: dataset.generated },
    ...servedParts(createScorer, model, { sample, histories, items }),
    published: { revision, judged },
  };
}
