/** The API's routes on the service. */
import type { Interaction, RecordOutcome } from "../serving/recommendation-service.ts";
import type { ServiceSource } from "../serving/service-source.ts";
import type { LiveWindows } from "../windows-live/live-windows.ts";
import { eventStream, type Operation, operation } from "./operation.ts";
import * as schemas from "./schemas.ts";
import { timedInteractions } from "./timed-interactions.ts";
import { WindowStreams } from "./window-streams.ts";

export interface OperationDeps {
  /** Without `record` there is no POST /interactions. */
  readonly holder: ServiceSource;
  readonly windows: LiveWindows;
  /** Ends the streams of events: the service stops. Null for a service without such streams. */
  readonly closing: AbortSignal | null;
  /** Milliseconds UTC: the time of an interaction that brings none. */
  readonly nowMs: () => number;
}

export function operations(deps: OperationDeps): Operation[] {
  const { holder, windows, closing, nowMs } = deps;
  return [
    ...recommendationOperations(holder),
    ...(holder.record === undefined ? [] : [recordOperation(holder.record.bind(holder), nowMs)]),
    ...lookupOperations(holder),
    windowsOperation(windows),
    ...(closing === null ? [] : [liveWindowsOperation(windows, closing)]),
    ...statusOperations(holder),
  ];
}

function recommendationOperations(holder: ServiceSource): Operation[] {
  return [
    operation({
      id: "recommend",
      method: "GET",
      path: "/users/{id}/recommendations",
      summary: "The best items that a user has not touched; popular ones for a user of whom nothing is known",
      params: schemas.userPath,
      query: schemas.recommendationsQuery,
      response: schemas.recommendations,
      handle: async ({ params, query }) =>
        (await holder.serviceFor(params.id)).recommend({ userId: params.id, ...query }),
    }),
    operation({
      id: "history",
      method: "GET",
      path: "/users/{id}/history",
      summary: "What a user has touched, the newest first",
      params: schemas.userPath,
      query: schemas.historyQuery,
      response: schemas.history,
      handle: async ({ params, query }) => ({
        userId: params.id,
        ...(await holder.serviceFor(params.id)).history(params.id, query.limit),
      }),
    }),
    operation({
      id: "recommendFor",
      method: "POST",
      path: "/recommendations",
      summary: "Recommendations that count what somebody has just touched, anonymous or not",
      query: schemas.noQuery,
      body: schemas.recommendationRequest,
      response: schemas.recommendations,
      handle: async ({ body }) => (await holder.serviceFor(body.userId)).recommend(body),
    }),
    operation({
      id: "score",
      method: "POST",
      path: "/scores",
      summary: "A user's scores of given items",
      query: schemas.noQuery,
      body: schemas.scoreRequest,
      response: schemas.scores,
      handle: async ({ body }) => (await holder.serviceFor(body.userId)).scores(body.userId, body.itemIds),
    }),
  ];
}

function recordOperation(
  record: (interactions: readonly Interaction[]) => Promise<RecordOutcome>,
  nowMs: () => number,
): Operation {
  return operation({
    id: "record",
    method: "POST",
    path: "/interactions",
    summary: "Records one interaction or several; they count in the next answer",
    query: schemas.noQuery,
    body: schemas.interactionsRequest,
    response: schemas.recordOutcome,
    handle: ({ body }) => record(timedInteractions(body, nowMs())),
  });
}

function lookupOperations(holder: ServiceSource): Operation[] {
  return [
    operation({
      id: "items",
      method: "GET",
      path: "/items",
      summary: "Items by words of their title",
      query: schemas.itemsQuery,
      response: schemas.items,
      handle: async ({ query }) => ({ items: (await holder.serviceFor()).searchItems(query.query, query.limit) }),
    }),
    operation({
      id: "users",
      method: "GET",
      path: "/users",
      summary: "Users by the start of their id",
      query: schemas.usersQuery,
      response: schemas.users,
      handle: async ({ query }) => ({ users: (await holder.serviceFor()).users(query.prefix, query.limit) }),
    }),
  ];
}

function windowsOperation(windows: LiveWindows): Operation {
  return operation({
    id: "windows",
    method: "GET",
    path: "/windows",
    summary: "How well the stream's interactions were predicted, window by window",
    query: schemas.noQuery,
    response: schemas.windows,
    handle: async () => ({ windows: (await windows.latest()).reports }),
  });
}

function liveWindowsOperation(windows: LiveWindows, closing: AbortSignal): Operation {
  const streams = new WindowStreams(windows, closing);
  return eventStream({
    id: "windowsLive",
    path: "/windows/live",
    summary: "The windows so far, then each change as it comes",
    headers: schemas.lastEventId,
    response: schemas.windowEvents,
    open: (headers) => streams.open(headers["Last-Event-ID"] ?? null),
  });
}

function statusOperations(holder: ServiceSource): Operation[] {
  return [
    operation({
      id: "champion",
      method: "GET",
      path: "/models/champion",
      summary: "The model that is served",
      query: schemas.noQuery,
      response: schemas.champion,
      handle: async () => (await holder.serviceFor()).facts,
    }),
    operation({
      id: "health",
      method: "GET",
      path: "/health",
      summary: "Whether the service answers",
      query: schemas.noQuery,
      response: schemas.health,
      handle: async () => ({ status: "ok" as const, version: (await holder.serviceFor()).facts.version }),
    }),
  ];
}
