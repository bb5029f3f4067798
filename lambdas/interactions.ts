/** POST /interactions → Kafka. */
import { createInteractionsApi } from "../src/app/http-api/interactions-api.ts";
import type { InteractionIntake } from "../src/app/serving/accepted-interactions.ts";
import { httpHandler } from "./http-handler.ts";
import type { Observer } from "./observability.ts";

export interface InteractionsDeps {
  readonly intake: Pick<InteractionIntake, "accept">;
  /** The program's. */
  readonly version: string;
  readonly observer: Observer;
}

export function createHandler({ intake, version, observer }: InteractionsDeps) {
  const api = createInteractionsApi({
    async accept(interactions) {
      const acceptance = await intake.accept(interactions);
      observer.count("interactionsAccepted", acceptance.accepted);
      observer.count("interactionsNotAccepted", acceptance.notAccepted.length);
      return acceptance;
    },
    version,
    nowMs: Date.now,
    onError: observer.error,
  });
  return httpHandler(observer, api);
}
