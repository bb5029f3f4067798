/** The API of `ncf serve`, without what only a process that stays can offer. */
import { createHttpApi } from "../src/app/http-api/http-api.ts";
import type { ServiceSource } from "../src/app/serving/service-source.ts";
import type { LiveWindows } from "../src/app/windows-live/live-windows.ts";
import { httpHandler } from "./http-handler.ts";
import type { Observer } from "./observability.ts";

export interface ScoreDeps {
  readonly service: ServiceSource;
  readonly windows: LiveWindows;
  /** The program's. */
  readonly version: string;
  readonly observer: Observer;
}

export function createHandler({ service, windows, version, observer }: ScoreDeps) {
  const api = createHttpApi({
    holder: { serviceFor: (userId) => service.serviceFor(userId) },
    windows,
    closing: null,
    nowMs: Date.now,
    page: new Map(),
    version,
    onError: observer.error,
  });
  return httpHandler(observer, api);
}
