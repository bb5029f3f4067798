/**
 * A service whose users' histories lie in the object store: for processes that start often, answer a few requests and end, such
 * as Lambdas. It holds the champion's network in memory, once a version, and takes up the next champion between requests.
 */
import { numericId } from "../../core/ids.ts";
import { ChampionWatch, type ChampionWatchDeps } from "./champion-watch.ts";
import { IdLookup } from "./id-lookup.ts";
import { RecommendationService } from "./recommendation-service.ts";
import { RecordedInteractions } from "./recorded-interactions.ts";
import type { ServedModel } from "./served-model.ts";
import type { ServiceSource } from "./service-source.ts";
import type { StreamInteractions } from "./stream-interactions.ts";

export interface StoredServiceDeps extends ChampionWatchDeps {
  /** What users did over a stream; null where there is none. */
  readonly since: Pick<StreamInteractions, "of"> | null;
  readonly monotonicMs: () => number;
  /** The champion is looked at after so long, at most. */
  readonly watchMs: number;
  /** Told of each version that is taken up. */
  readonly onVersion: (version: string) => void;
  /** Told of a champion that cannot be loaded: the former stays. */
  readonly onError: (error: unknown) => void;
}

interface InForce {
  readonly model: ServedModel;
  readonly users: IdLookup;
  /** Knows what was trained on. */
  readonly service: RecommendationService;
}

export class StoredService implements ServiceSource {
  readonly #deps: StoredServiceDeps;
  readonly #watch: ChampionWatch;
  #inForce: InForce;
  #checkedMs: number;
  #checking = false;

  /** @throws NcfError `NO_CHAMPION`, those of `load` */
  static async open(deps: StoredServiceDeps): Promise<StoredService> {
    return new StoredService(deps, await ChampionWatch.open(deps));
  }

  private constructor(deps: StoredServiceDeps, watch: ChampionWatch) {
    this.#deps = deps;
    this.#watch = watch;
    this.#inForce = inForce(watch.model);
    this.#checkedMs = deps.monotonicMs();
    deps.onVersion(watch.model.version);
  }

  async serviceFor(userId?: string): Promise<RecommendationService> {
    this.#lookAtChampion();
    const { model, users, service } = this.#inForce;
    if (userId === undefined) return service;
    const user = users.indexOfNumber(numericId(userId));
    const [since] = await Promise.all([
      this.#deps.since?.of(userId, model.sample.itemLabels) ?? [],
      user < 0 ? undefined : model.histories.load(user),
    ]);
    if (since.length === 0) return service;
    const recorded = new RecordedInteractions();
    for (const interaction of since) recorded.add(userId, interaction);
    return service.knowing(recorded);
  }

  /** Beside the request, which does not wait for it. */
  #lookAtChampion(): void {
    const nowMs = this.#deps.monotonicMs();
    if (this.#checking || nowMs - this.#checkedMs < this.#deps.watchMs) return;
    this.#checking = true;
    this.#checkedMs = nowMs;
    this.#watch
      .check()
      .then((moved) => {
        if (!moved) return;
        this.#inForce = inForce(this.#watch.model);
        this.#deps.onVersion(this.#watch.model.version);
      })
      .catch(this.#deps.onError)
      .finally(() => {
        this.#checking = false;
      });
  }
}

function inForce(model: ServedModel): InForce {
  return {
    model,
    users: new IdLookup(model.sample.userIds, model.sample.userLabels),
    service: new RecommendationService(model, new RecordedInteractions()),
  };
}
