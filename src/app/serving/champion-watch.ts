/** Watches a registry's champion: loads it, and takes up the next one when it moves. */
import { NcfError } from "../../core/errors.ts";
import type { TrainedModel } from "../../ncf/model.ts";
import type { RowScorer } from "../../ncf/wasm/scorer.ts";
import type { Champion, ModelRegistry } from "../../ports/model-registry.ts";
import { readPublished } from "../published-model.ts";
import { type ServedModel, servedParts } from "./served-model.ts";
import { sampleHistories } from "./trained-histories.ts";

export interface ChampionWatchDeps {
  readonly registry: ModelRegistry;
  /** @throws NcfError where the version cannot be served */
  readonly load: (champion: Champion) => Promise<ServedModel>;
}

export class ChampionWatch {
  readonly #deps: ChampionWatchDeps;
  #model: ServedModel;
  /** Of the champion that was loaded last, or cannot be. */
  #revision: number;

  /** @throws NcfError `NO_CHAMPION` before the first promotion; those of `load` */
  static async open(deps: ChampionWatchDeps): Promise<ChampionWatch> {
    const champion = await deps.registry.champion();
    if (champion === null) {
      throw new NcfError(
        "NO_CHAMPION",
        "expected a champion in the registry, found none. Publish one with ncf run --publish, or promote a version",
      );
    }
    return new ChampionWatch(deps, await deps.load(champion), champion.revision);
  }

  private constructor(deps: ChampionWatchDeps, model: ServedModel, revision: number) {
    this.#deps = deps;
    this.#model = model;
    this.#revision = revision;
  }

  /** The champion that was loaded last. */
  get model(): ServedModel {
    return this.#model;
  }

  /**
   * Whether the champion has moved since the call before; `model` is then the new one. One that cannot be loaded leaves the
   * former in its place, and is not tried again before the next move; one that the store did not give just now is.
   *
   * @throws NcfError those of `load`
   */
  async check(): Promise<boolean> {
    const champion = await this.#deps.registry.champion();
    if (champion === null || champion.revision === this.#revision) return false;
    try {
      this.#model = await this.#deps.load(champion);
    } catch (error) {
      if (!(error instanceof NcfError && error.retriable)) this.#revision = champion.revision;
      throw error;
    }
    this.#revision = champion.revision;
    return true;
  }
}

/** The version with all histories in memory. @throws NcfError those of `readPublished` */
export async function loadWhole(
  registry: ModelRegistry,
  createScorer: (model: TrainedModel) => RowScorer,
  { version, revision }: Champion,
): Promise<ServedModel> {
  const { card, model, sample, items } = await readPublished(registry, version);
  return {
    version,
    dataset: { name: card.dataset.name, generated: card.dataset.generated },
    ...servedParts(createScorer, model, { sample, histories: sampleHistories(sample), items }),
    published: { revision, judged: card.judged },
  };
}
