import { RecommendationService } from "./recommendation-service.ts";
import { RecordedInteractions } from "./recorded-interactions.ts";
import type { ServedModel } from "./served-model.ts";

/** Holds the service of the version in force. A request takes `current` once and stays with it to its end. */
export class ServiceHolder {
  readonly #recorded: RecordedInteractions;
  #current: RecommendationService;

  constructor(model: ServedModel, recorded: RecordedInteractions = new RecordedInteractions()) {
    this.#recorded = recorded;
    this.#current = new RecommendationService(model, recorded);
  }

  get current(): RecommendationService {
    return this.#current;
  }

  /** Serves `model` from the next request on; what was recorded so far counts there too. */
  swap(model: ServedModel): void {
    this.#current = new RecommendationService(model, this.#recorded);
  }
}
