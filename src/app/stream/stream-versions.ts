/** Versions of the registry as the stream uses them, each loaded once. */
import type { TrainedModel } from "../../ncf/model.ts";
import type { RowScorer } from "../../ncf/wasm/scorer.ts";
import type { ModelCard, ModelRegistry } from "../../ports/model-registry.ts";
import { ncfStreamModel } from "../../streaming/ncf-stream-model.ts";
import type { StreamModel } from "../../streaming/stream-model.ts";
import { popularityHalfLifeMs } from "../model-names.ts";
import { trainedItems } from "../new-items.ts";
import { type PublishedModel, readPublished } from "../published-model.ts";
import { scoringParts } from "../scoring-parts.ts";

export interface StreamVersionsDeps {
  readonly registry: ModelRegistry;
  readonly createScorer: (model: TrainedModel) => RowScorer;
}

export class StreamVersions {
  readonly #deps: StreamVersionsDeps;
  readonly #loaded = new Map<string, Promise<StreamModel>>();

  constructor(deps: StreamVersionsDeps) {
    this.#deps = deps;
  }

  /** @throws NcfError those of `readPublished` */
  load(version: string): Promise<StreamModel> {
    let loading = this.#loaded.get(version);
    if (loading === undefined) {
      loading = readPublished(this.#deps.registry, version).then((published) => this.#modelOf(published));
      this.#loaded.set(version, loading);
      // What could not be loaded now may be there later.
      loading.catch(() => this.#loaded.delete(version));
    }
    return loading;
  }

  /** Of a version that has been read already: `load` gives the same, and reads it no second time. */
  modelOf(published: PublishedModel): Promise<StreamModel> {
    const { version } = published.card;
    const known = this.#loaded.get(version) ?? Promise.resolve(this.#modelOf(published));
    this.#loaded.set(version, known);
    return known;
  }

  #modelOf({ card, model, sample, items }: PublishedModel): StreamModel {
    const cutOffOffsets = offsetsOf(card);
    return ncfStreamModel({
      version: card.version,
      sample,
      ...scoringParts(this.#deps.createScorer, model, trainedItems(sample), items),
      popularityHalfLifeMs,
      ...(cutOffOffsets === null ? {} : { cutOffOffsets }),
    });
  }
}

function offsetsOf({ cutOff }: ModelCard): Map<number, number> | null {
  if ("eventTimeMs" in cutOff) return null;
  return new Map(Object.entries(cutOff.offsets).map(([partition, offset]) => [Number(partition), offset]));
}
