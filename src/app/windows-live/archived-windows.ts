/** The windows of a stream from the object store, for services without access to its log. */
import { decodeJson } from "../../core/json.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import { archivedReportSchema, reportsPrefix } from "../stream/archived-report.ts";
import type { LatestWindows } from "./latest-windows.ts";
import { keptWindows, type LiveWindows, streamWindows } from "./live-windows.ts";

export interface ArchivedWindowsDeps {
  readonly store: ObjectStore;
  readonly monotonicMs: () => number;
  /** Newer reports are looked for after so long. */
  readonly refreshMs: number;
}

/** The newest windows are read anew each time: an idle partition's return may change even a final report. */
const rereadWindows = 20;
const readsAtOnce = 20;

export class ArchivedWindows implements LiveWindows {
  readonly #deps: ArchivedWindowsDeps;
  readonly #prefix: string;
  readonly #latest: LatestWindows;
  /** Keys of reports that are taken as they are. */
  readonly #settled = new Set<string>();
  #refreshedMs = Number.NEGATIVE_INFINITY;

  constructor(deps: ArchivedWindowsDeps, group: string) {
    this.#deps = deps;
    this.#prefix = reportsPrefix(group);
    this.#latest = streamWindows(group);
  }

  /** @throws those of the store; ZodError for what is no report */
  async latest(): Promise<LatestWindows> {
    const nowMs = this.#deps.monotonicMs();
    if (nowMs - this.#refreshedMs < this.#deps.refreshMs) return this.#latest;
    const startOf = (key: string): number => Number(key.slice(this.#prefix.length, -".json".length));
    const keys = (await this.#deps.store.list(this.#prefix))
      .sort((a, b) => startOf(a) - startOf(b))
      .slice(-keptWindows);
    const settledBefore = keys.length - rereadWindows;
    const wanted = keys.filter((key, i) => i >= settledBefore || !this.#settled.has(key));
    for (let from = 0; from < wanted.length; from += readsAtOnce) {
      await Promise.all(wanted.slice(from, from + readsAtOnce).map((key) => this.#take(key)));
    }
    this.#refreshedMs = nowMs;
    return this.#latest;
  }

  async #take(key: string): Promise<void> {
    const { report } = archivedReportSchema.parse(decodeJson(await this.#deps.store.get(key)));
    this.#latest.onReport(report);
    if (report.final) this.#settled.add(key);
  }
}
