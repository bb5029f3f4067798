/** Where a request gets the service that answers it. */
import type { Interaction, RecommendationService, RecordOutcome } from "./recommendation-service.ts";

export interface ServiceSource {
  /**
   * The service of the version in force, which knows all that it needs of the user; of no user where none is named. A
   * request takes one and stays with it to its end.
   *
   * @throws NcfError `ID_INVALID`, those of where histories lie
   */
  serviceFor(userId?: string): Promise<RecommendationService>;
  /** Absent where interactions go elsewhere. @throws NcfError see `ServiceHolder.record` */
  record?(interactions: readonly Interaction[]): Promise<RecordOutcome>;
}
