/** The windows of a stream from the object store, for services without access to its log. */
import { decodeJson } from "../../core/json.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import { archivedReportSchema, reportsPrefix } from "../stream/archived-report.ts";
import type { LatestWindows } from "./latest-windows.ts";
import { keptWindows, type LiveWindows, streamWindows } from "./live-windows.ts";

export interface ArchivedWindowsDeps {
  readonly store: ObjectStore;
  /** The consumer group whose windows are read; null while there is none. */
  readonly group: () => Promise<string | null>;
  /** Tells cursors of this process from those of another. */
  readonly instance: string;
  readonly monotonicMs: () => number;
  /** Newer reports are looked for after so long. */
  readonly refreshMs: number;
}

/** The newest windows are read anew each time: an idle partition's return may change even a final report. */
const rereadWindows = 20;
const readsAtOnce = 20;

export class ArchivedWindows implements LiveWindows {
  readonly #deps: ArchivedWindowsDeps;
  readonly #latest: LatestWindows;
  /** Keys of reports that are taken as they are. */
  readonly #settled = new Set<string>();
  #refreshedMs = Number.NEGATIVE_INFINITY;

  constructor(deps: ArchivedWindowsDeps) {
    this.#deps = deps;
    this.#latest = streamWindows(deps.instance);
  }

  /** @throws those of the store; ZodError for what is no report */
  async latest(): Promise<LatestWindows> {
    const nowMs = this.#deps.monotonicMs();
    if (nowMs - this.#refreshedMs < this.#deps.refreshMs) return this.#latest;
    const group = await this.#deps.group();
    const keys = group === null ? [] : await this.#newestOf(reportsPrefix(group));
    const settledBefore = keys.length - rereadWindows;
    const wanted = keys.filter((key, i) => i >= settledBefore || !this.#settled.has(key));
    for (let from = 0; from < wanted.length; from += readsAtOnce) {
      await Promise.all(wanted.slice(from, from + readsAtOnce).map((key) => this.#take(key)));
    }
    this.#refreshedMs = nowMs;
    return this.#latest;
  }

  /** Oldest first. */
  async #newestOf(prefix: string): Promise<string[]> {
    const startOf = (key: string): number => Number(key.slice(prefix.length, -".json".length));
    const keys = await this.#deps.store.list(prefix);
    return keys.sort((a, b) => startOf(a) - startOf(b)).slice(-keptWindows);
  }

  async #take(key: string): Promise<void> {
    const { report } = archivedReportSchema.parse(decodeJson(await this.#deps.store.get(key)));
    this.#latest.onReport(report);
    if (report.final) this.#settled.add(key);
  }
}
