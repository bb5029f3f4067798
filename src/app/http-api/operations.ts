/** The API's routes on the service. */
import type { ServiceHolder } from "../serving/service-holder.ts";
import type { LiveWindows } from "../windows-live/live-windows.ts";
import { eventStream, type Operation, operation } from "./operation.ts";
import { HttpProblem } from "./problem.ts";
import * as schemas from "./schemas.ts";
import { WindowStreams } from "./window-streams.ts";

export interface OperationDeps {
  readonly holder: ServiceHolder;
  readonly windows: LiveWindows;
  /** Ends the streams of events: the service stops. */
  readonly closing: AbortSignal;
  /** Milliseconds UTC: the time of an interaction that brings none. */
  readonly nowMs: () => number;
}

/** Clocks of clients may be wrong by so much. */
const maxAheadMs = 60_000;

export function operations({ holder, windows, closing, nowMs }: OperationDeps): Operation[] {
  const streams = new WindowStreams(windows, closing);
  return [
    operation({
      id: "recommend",
      method: "GET",
      path: "/users/{id}/recommendations",
      summary: "The best items that a user has not touched; popular ones for a user of whom nothing is known",
      params: schemas.userPath,
      query: schemas.recommendationsQuery,
      response: schemas.recommendations,
      handle: ({ params, query }) => holder.current.recommend({ userId: params.id, k: query.k }),
    }),
    operation({
      id: "history",
      method: "GET",
      path: "/users/{id}/history",
      summary: "What a user has touched, the newest first",
      params: schemas.userPath,
      query: schemas.historyQuery,
      response: schemas.history,
      handle: ({ params, query }) => ({ userId: params.id, ...holder.current.history(params.id, query.limit) }),
    }),
    operation({
      id: "recommendFor",
      method: "POST",
      path: "/recommendations",
      summary: "Recommendations that count what somebody has just touched, anonymous or not",
      query: schemas.noQuery,
      body: schemas.recommendationRequest,
      response: schemas.recommendations,
      handle: ({ body }) => holder.current.recommend(body),
    }),
    operation({
      id: "score",
      method: "POST",
      path: "/scores",
      summary: "A user's scores of given items",
      query: schemas.noQuery,
      body: schemas.scoreRequest,
      response: schemas.scores,
      handle: ({ body }) => holder.current.scores(body.userId, body.itemIds),
    }),
    operation({
      id: "record",
      method: "POST",
      path: "/interactions",
      summary: "Records one interaction or several; they count in the next answer",
      query: schemas.noQuery,
      body: schemas.interactionsRequest,
      response: schemas.recordOutcome,
      handle: ({ body }) => {
        const now = nowMs();
        const batch = "interactions" in body;
        const interactions = batch ? body.interactions : [body];
        const ahead = interactions.findIndex(({ timestampMs }) => (timestampMs ?? now) > now + maxAheadMs);
        if (ahead >= 0) {
          const field = batch ? `interactions[${ahead}].timestampMs` : "timestampMs";
          const message = `expected a time up to a minute ahead of the server's clock (${now}), found ${interactions[ahead].timestampMs}`;
          throw new HttpProblem(400, `${field}: ${message}`, { errors: [{ field, message }] });
        }
        return holder.record(interactions.map((one) => ({ ...one, timestampMs: one.timestampMs ?? now })));
      },
    }),
    operation({
      id: "items",
      method: "GET",
      path: "/items",
      summary: "Items by words of their title",
      query: schemas.itemsQuery,
      response: schemas.items,
      handle: ({ query }) => ({ items: holder.current.searchItems(query.query, query.limit) }),
    }),
    operation({
      id: "users",
      method: "GET",
      path: "/users",
      summary: "Users by the start of their id",
      query: schemas.usersQuery,
      response: schemas.users,
      handle: ({ query }) => ({ users: holder.current.users(query.prefix, query.limit) }),
    }),
    operation({
      id: "windows",
      method: "GET",
      path: "/windows",
      summary: "How well the stream's interactions were predicted, window by window",
      query: schemas.noQuery,
      response: schemas.windows,
      handle: async () => ({ windows: (await windows.latest()).reports }),
    }),
    eventStream({
      id: "windowsLive",
      path: "/windows/live",
      summary: "The windows so far, then each change as it comes",
      headers: schemas.lastEventId,
      response: schemas.windowEvents,
      open: (headers) => streams.open(headers["Last-Event-ID"] ?? null),
    }),
    operation({
      id: "champion",
      method: "GET",
      path: "/models/champion",
      summary: "The model that is served",
      query: schemas.noQuery,
      response: schemas.champion,
      handle: () => holder.current.facts,
    }),
    operation({
      id: "health",
      method: "GET",
      path: "/health",
      summary: "Whether the service answers",
      query: schemas.noQuery,
      response: schemas.health,
      handle: () => ({ status: "ok" as const, version: holder.current.facts.version }),
    }),
  ];
}
