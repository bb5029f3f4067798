/** A service that is opened when it is first wanted, and again when that failed: before the first model there is none. */
import type { RecommendationService } from "./recommendation-service.ts";
import type { ServiceSource } from "./service-source.ts";

export class OpenedService implements ServiceSource {
  readonly #open: () => Promise<ServiceSource>;
  #opening: Promise<ServiceSource> | null = null;

  /** @param open @throws where the service cannot be opened now; the next request tries again */
  constructor(open: () => Promise<ServiceSource>) {
    this.#open = open;
  }

  async serviceFor(userId?: string): Promise<RecommendationService> {
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = null;
      throw error;
    });
    return (await this.#opening).serviceFor(userId);
  }
}
