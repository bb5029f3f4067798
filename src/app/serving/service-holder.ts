import type { InteractionLog } from "../../ports/interaction-log.ts";
import { defaultTopics } from "../stream/stream-settings.ts";
import { logInteractions, restoreInteractions } from "./logged-interactions.ts";
import { type Interaction, RecommendationService, type RecordOutcome } from "./recommendation-service.ts";
import { RecordedInteractions } from "./recorded-interactions.ts";
import type { ServedModel } from "./served-model.ts";
import type { ServiceSource } from "./service-source.ts";

export interface ServiceHolderOptions {
  /** Of the interactions in the log. */
  readonly topic?: string;
  /** Takes them. */
  readonly recorded?: RecordedInteractions;
}

/**
 * Holds the service of the version in force, and the interactions that came since, which outlive it. A request takes
 * `current` once and stays with it to its end.
 */
export class ServiceHolder implements ServiceSource {
  readonly #log: InteractionLog;
  readonly #topic: string;
  readonly #recorded: RecordedInteractions;
  #current: RecommendationService;

  /** With the interactions that the log holds. @throws NcfError `INTERACTIONS_FULL`, those of the log */
  static async open(
    model: ServedModel,
    log: InteractionLog,
    { topic = defaultTopics.interactions, recorded = new RecordedInteractions() }: ServiceHolderOptions = {},
  ): Promise<ServiceHolder> {
    await restoreInteractions(log, topic, recorded);
    return new ServiceHolder(model, log, topic, recorded);
  }

  private constructor(model: ServedModel, log: InteractionLog, topic: string, recorded: RecordedInteractions) {
    this.#log = log;
    this.#topic = topic;
    this.#recorded = recorded;
    this.#current = new RecommendationService(model, recorded);
  }

  get current(): RecommendationService {
    return this.#current;
  }

  /** All users are in memory. */
  async serviceFor(): Promise<RecommendationService> {
    return this.#current;
  }

  /** Serves `model` from the next request on; what was recorded so far counts there too. */
  swap(model: ServedModel): void {
    this.#current = new RecommendationService(model, this.#recorded);
  }

  /**
   * Logs the interactions, then lets them count; repeats do neither. Of two requests that bring the same interaction at
   * the same moment both may be logged, and one is recorded.
   *
   * @throws NcfError `ID_INVALID`, `INTERACTIONS_FULL`, those of the log: nothing was recorded
   */
  async record(interactions: readonly Interaction[]): Promise<RecordOutcome> {
    await logInteractions(this.#log, this.#topic, this.#current.newOf(interactions));
    return this.#current.record(interactions);
  }
}
