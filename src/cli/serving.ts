/** A running service: HTTP API, page and interactions, until Ctrl-C or SIGTERM. */

import { randomUUID } from "node:crypto";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { FileObjectStore } from "../adapters/local/file-object-store.ts";
import { type HttpServer, startHttpServer } from "../adapters/local/http-server.ts";
import { ObjectStoreRegistry } from "../adapters/registry/object-store-registry.ts";
import { createHttpApi } from "../app/http-api/http-api.ts";
import { replayedWindows } from "../app/replay-dataset.ts";
import { ChampionWatch, loadWhole } from "../app/serving/champion-watch.ts";
import type { ServedModelFacts } from "../app/serving/recommendation-service.ts";
import type { ServedModel } from "../app/serving/served-model.ts";
import { ServiceHolder } from "../app/serving/service-holder.ts";
import { type LiveWindows, ReplayWindows, streamWindows } from "../app/windows-live/live-windows.ts";
import { WindowFeed } from "../app/windows-live/window-feed.ts";
import { aborted } from "../core/aborted.ts";
import { NcfError } from "../core/errors.ts";
import { createScorer } from "../ncf/wasm/scorer.ts";
import type { InteractionLog } from "../ports/interaction-log.ts";
import { dashboardFiles } from "./dashboard-files.ts";
import type { Terminal } from "./terminal.ts";
import { version } from "./version.ts";

const defaultPort = 8080;
/** How often a registry's champion is looked at. */
const watchEveryMs = 1000;

export interface ServingOptions {
  /** A model, or the folder of a registry whose champion is served, whichever it is. */
  readonly model: ServedModel | { readonly registry: string };
  /** Whose replay/windows.json the page charts, unless it follows a stream. */
  readonly runFolder: string;
  /** The stream whose windows are followed; its log is one that gives up within seconds. */
  readonly stream?: { readonly openLog: () => Promise<InteractionLog>; readonly topic: string } | undefined;
  /** Where interactions are kept; closed in the end. */
  readonly openLog: () => Promise<InteractionLog>;
  /** Theirs in that log, where it is not the default one. */
  readonly interactionsTopic?: string;
  /** A client is told after so long that the log does not answer; by default, when the log gives up. */
  readonly answerWithinMs?: number;
  /** Null for the default one, or any free one where that is taken. */
  readonly port: number | null;
  readonly host: string;
  /** See `HttpServerOptions`. */
  readonly allowName: readonly string[];
}

export interface Listening {
  readonly url: string;
  /** Since the process started. */
  readonly readySeconds: number;
  readonly model: ServedModelFacts;
}

/**
 * Serves until the terminal's signal, then lets requests in flight finish.
 *
 * @throws NcfError `PORT_IN_USE`, `ADDRESS_UNUSABLE`, `LOG_IN_USE`, `NO_CHAMPION`, those of the registry and of the log
 */
export async function serveUntilStopped(
  terminal: Terminal,
  {
    model,
    runFolder,
    stream,
    openLog,
    interactionsTopic,
    answerWithinMs,
    port,
    host,
    allowName: names,
  }: ServingOptions,
  onListening: (listening: Listening) => void,
): Promise<void> {
  const { signal } = terminal;
  const onError = (error: unknown): void => terminal.log(`ncf: ${describe(error)}`);
  const [first, watch] = "registry" in model ? await champion(model.registry) : [model, null];
  const log = await openLog();
  try {
    const holder = await ServiceHolder.open(first, log, {
      ...(interactionsTopic && { topic: interactionsTopic }),
      ...(answerWithinMs && { answerWithinMs }),
    });
    const { windows, followed } = windowsOf(stream, runFolder, terminal, onError);
    const api = createHttpApi({
      holder,
      windows,
      closing: signal,
      nowMs: Date.now,
      page: dashboardFiles(),
      version,
      onError,
    });
    const server = await listen(port, (chosen) => startHttpServer(api, { port: chosen, host, names, onError }));
    onListening({ url: server.url, readySeconds: performance.now() / 1000, model: holder.current.facts });
    first.userModel.prepare();
    if (watch !== null) await follow(watch, holder, terminal, onError);
    else await aborted(signal);
    await Promise.all([server.close(), followed]);
  } finally {
    await log.close();
  }
}

async function champion(registry: string): Promise<[ServedModel, ChampionWatch]> {
  const versions = new ObjectStoreRegistry(new FileObjectStore(registry));
  const watch = await ChampionWatch.open({
    registry: versions,
    load: (found) => loadWhole(versions, createScorer, found),
  });
  return [watch.model, watch];
}

/** The stream's windows, or those of the replay; `followed` settles after the terminal's signal. */
function windowsOf(
  stream: ServingOptions["stream"],
  runFolder: string,
  { signal, log }: Terminal,
  onError: (error: unknown) => void,
): { readonly windows: LiveWindows; readonly followed: Promise<void> } {
  const instance = randomUUID();
  if (stream === undefined) {
    const read = () => replayedWindows(new FileObjectStore(runFolder));
    return { windows: new ReplayWindows(instance, read), followed: Promise.resolve() };
  }
  const latest = streamWindows(instance);
  // Without windows, recommendations are as good as with them.
  const followed = new WindowFeed({ ...stream, sink: latest, log }).run(signal).catch(onError);
  return { windows: { latest: async () => latest }, followed };
}

/** Where `ncf serve --registry` and `ncf run --serve` keep interactions. */
export function interactionsBeside(registry: string): string {
  return path.resolve(registry, "..", "interactions");
}

/** Serves each new champion from the moment it is loaded; one that cannot be loaded leaves the former in its place. */
async function follow(
  watch: ChampionWatch,
  holder: ServiceHolder,
  { signal, log }: Terminal,
  onError: (error: unknown) => void,
): Promise<void> {
  while (!signal.aborted) {
    try {
      if (await watch.check()) {
        watch.model.userModel.prepare();
        holder.swap(watch.model);
        log(`Serving version ${watch.model.version} now.`);
      }
    } catch (error) {
      onError(error);
    }
    await sleep(watchEveryMs, undefined, { signal }).catch(() => {});
  }
}

async function listen(port: number | null, start: (port: number) => Promise<HttpServer>): Promise<HttpServer> {
  if (port !== null) return start(port);
  try {
    return await start(defaultPort);
  } catch (error) {
    if (!(error instanceof NcfError && error.code === "PORT_IN_USE")) throw error;
    return start(0);
  }
}

function describe(error: unknown): string {
  if (error instanceof NcfError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
