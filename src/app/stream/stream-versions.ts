/** Versions of the registry as the stream uses them, each loaded once while anything uses it. */
import type { TrainedModel } from "../../ncf/model.ts";
import type { RowScorer } from "../../ncf/wasm/scorer.ts";
import { type ModelRegistry, offsetsLearnt } from "../../ports/model-registry.ts";
import { fittedStreamModel } from "../../streaming/fitted-stream-model.ts";
import type { StreamModel } from "../../streaming/stream-model.ts";
import { userModelOf } from "../fitted-model.ts";
import { popularityHalfLifeMs } from "../model-names.ts";
import { trainedItems } from "../new-items.ts";
import { type PublishedModel, readPublished } from "../published-model.ts";

export interface StreamVersionsDeps {
  readonly registry: ModelRegistry;
  /** The stream's input. */
  readonly topic: string;
  readonly createScorer: (model: TrainedModel) => RowScorer;
}

export class StreamVersions {
  readonly #deps: StreamVersionsDeps;
  readonly #loading = new Map<string, Promise<StreamModel>>();
  /** A member lives for months and meets a version each day: those that no partition needs any more must leave its memory. */
  readonly #loaded = new Map<string, WeakRef<StreamModel>>();

  constructor(deps: StreamVersionsDeps) {
    this.#deps = deps;
  }

  /** @throws NcfError those of `readPublished`; what could not be loaded now may be there later */
  async load(version: string): Promise<StreamModel> {
    const known = this.#loaded.get(version)?.deref();
    if (known !== undefined) return known;
    let loading = this.#loading.get(version);
    if (loading === undefined) {
      loading = readPublished(this.#deps.registry, version)
        .then((published) => this.modelOf(published))
        .finally(() => this.#loading.delete(version));
      this.#loading.set(version, loading);
    }
    return loading;
  }

  /** Of a version that has been read already: `load` gives the same, and reads it no second time. */
  modelOf({ card, model, sample, items }: PublishedModel): StreamModel {
    const known = this.#loaded.get(card.version)?.deref();
    if (known !== undefined) return known;
    const offsets = offsetsLearnt(card.cutOff, this.#deps.topic);
    const made = fittedStreamModel({
      version: card.version,
      sample,
      model: userModelOf(this.#deps.createScorer, model, trainedItems(sample), items),
      popularityHalfLifeMs,
      ...(offsets === null ? {} : { cutOffOffsets: byPartition(offsets) }),
    });
    this.#loaded.set(card.version, new WeakRef(made));
    return made;
  }
}

function byPartition(offsets: { readonly [partition: string]: number }): Map<number, number> {
  return new Map(Object.entries(offsets).map(([partition, offset]) => [Number(partition), offset]));
}
