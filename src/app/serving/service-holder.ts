import type { InteractionLog } from "../../ports/interaction-log.ts";
import { defaultTopics } from "../stream/stream-settings.ts";
import { InteractionWriter } from "./interaction-writer.ts";
import { restoreInteractions } from "./logged-interactions.ts";
import { type Interaction, RecommendationService, type RecordOutcome } from "./recommendation-service.ts";
import { RecordedInteractions } from "./recorded-interactions.ts";
import type { ServedModel } from "./served-model.ts";
import type { ServiceSource } from "./service-source.ts";

export interface ServiceHolderOptions {
  /** Of the interactions in the log. */
  readonly topic?: string;
  /** Takes them. */
  readonly recorded?: RecordedInteractions;
  /** See `InteractionWriter`; as long as the log takes by default. */
  readonly answerWithinMs?: number;
}

/**
 * Holds the service of the version in force, and the interactions that came since, which outlive it. A request takes
 * `current` once and stays with it to its end.
 */
export class ServiceHolder implements ServiceSource {
  readonly #writer: InteractionWriter;
  readonly #recorded: RecordedInteractions;
  #current: RecommendationService;

  /** With the interactions that the log holds. @throws NcfError `INTERACTIONS_FULL`, those of the log */
  static async open(
    model: ServedModel,
    log: InteractionLog,
    {
      topic = defaultTopics.interactions,
      recorded = new RecordedInteractions(),
      answerWithinMs = Number.POSITIVE_INFINITY,
    }: ServiceHolderOptions = {},
  ): Promise<ServiceHolder> {
    await restoreInteractions(log, topic, recorded);
    return new ServiceHolder(model, new InteractionWriter({ log, topic, answerWithinMs }), recorded);
  }

  private constructor(model: ServedModel, writer: InteractionWriter, recorded: RecordedInteractions) {
    this.#writer = writer;
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
   * @throws NcfError `ID_INVALID`, `INTERACTIONS_FULL`: nothing was recorded; those of `InteractionWriter`
   */
  async record(interactions: readonly Interaction[]): Promise<RecordOutcome> {
    const fresh = this.#current.newOf(interactions);
    return this.#writer.write(fresh, () => this.#current.record(interactions));
  }
}
