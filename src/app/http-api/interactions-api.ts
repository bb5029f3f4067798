/** POST /interactions by itself, for a service that hands them to a log and knows no model. */
import type { Acceptance } from "../serving/accepted-interactions.ts";
import type { Interaction } from "../serving/recommendation-service.ts";
import { type ApiParts, apiOf } from "./http-api.ts";
import { operation } from "./operation.ts";
import { HttpProblem } from "./problem.ts";
import * as schemas from "./schemas.ts";
import { timedInteractions } from "./timed-interactions.ts";

export interface InteractionsApiDeps extends Omit<ApiParts, "page"> {
  readonly accept: (interactions: readonly Interaction[]) => Promise<Acceptance>;
  /** Milliseconds UTC. */
  readonly nowMs: () => number;
}

/** After which a sender tries again. */
const retrySeconds = 5;

/** 503 names each interaction that was not accepted: nothing that could be lost is said to be there. */
export function createInteractionsApi(deps: InteractionsApiDeps): (request: Request) => Promise<Response> {
  const accept = operation({
    id: "record",
    method: "POST",
    path: "/interactions",
    summary: "Takes one interaction or several into the log",
    query: schemas.noQuery,
    body: schemas.interactionsRequest,
    response: schemas.accepted,
    async handle({ body }) {
      const { accepted, notAccepted } = await deps.accept(timedInteractions(body, deps.nowMs()));
      if (notAccepted.length > 0) throw notTaken("interactions" in body, accepted, notAccepted);
      return { accepted };
    },
  });
  return apiOf([accept], { ...deps, page: new Map() });
}

function notTaken(batch: boolean, accepted: number, places: readonly number[]): HttpProblem {
  const message = "not accepted: send it again, it counts once";
  const detail = `the log of interactions took ${accepted} and may not have taken ${places.length}, named in errors: send these again`;
  return new HttpProblem(503, detail, {
    errors: places.map((place) => ({ field: batch ? `interactions[${place}]` : "body", message })),
    headers: { "Retry-After": String(retrySeconds) },
  });
}
