/** Serves a registry's champion: loads it, and takes up the next one when it moves. */
import { NcfError } from "../../core/errors.ts";
import { createFoldIn } from "../../ncf/fold-in.ts";
import type { TrainedModel } from "../../ncf/model.ts";
import type { RowScorer } from "../../ncf/wasm/scorer.ts";
import type { Champion, ModelRegistry } from "../../ports/model-registry.ts";
import { readPublished } from "../published-model.ts";
import type { ServedModel } from "./served-model.ts";

export interface ChampionWatchDeps {
  readonly registry: ModelRegistry;
  readonly createScorer: (model: TrainedModel) => RowScorer;
}

export class ChampionWatch {
  readonly #deps: ChampionWatchDeps;
  /** Of the champion that was loaded last, or tried. */
  #revision = 0;

  constructor(deps: ChampionWatchDeps) {
    this.#deps = deps;
  }

  /**
   * The champion, the first time and whenever it has moved since the call before; null where it has not. One that cannot
   * be loaded is not tried again before the next move.
   *
   * @throws NcfError `NO_CHAMPION` before the first promotion; `FILE_DAMAGED`, `FILE_FOREIGN` where it cannot be served
   */
  async next(): Promise<ServedModel | null> {
    const champion = await this.#deps.registry.champion();
    if (champion === null) {
      if (this.#revision > 0) return null;
      throw new NcfError(
        "NO_CHAMPION",
        "expected a champion in the registry, found none. Publish one with ncf run, or promote a version",
      );
    }
    if (champion.revision === this.#revision) return null;
    this.#revision = champion.revision;
    return this.#load(champion);
  }

  async #load({ version, revision }: Champion): Promise<ServedModel> {
    const { card, model, sample, items } = await readPublished(this.#deps.registry, version);
    return {
      version,
      dataset: { name: card.dataset.name, generated: card.dataset.generated },
      sample,
      items,
      scorer: this.#deps.createScorer(model),
      foldIn: createFoldIn(model),
      published: { revision, judged: card.judged },
    };
  }
}
