/** Where the service's windows come from: a stream that goes on, or a replay that has ended. */
import type { WindowReport } from "../../streaming/window-report.ts";
import { LatestWindows } from "./latest-windows.ts";

export interface LiveWindows {
  /** @throws NcfError those of where the windows lie */
  latest(): Promise<LatestWindows>;
}

/** Windows beyond these are forgotten: what a reader of a long stream looks at, in a few MB. */
export const keptWindows = 1000;

/** An empty one, for a feed to fill. */
export function streamWindows(instance: string): LatestWindows {
  return new LatestWindows({ source: "stream", instance, limit: keptWindows });
}

/** Those of the replay that was written last. */
export class ReplayWindows implements LiveWindows {
  readonly #read: () => Promise<readonly WindowReport[]>;
  readonly #latest: LatestWindows;
  #known = "[]";

  constructor(instance: string, read: () => Promise<readonly WindowReport[]>) {
    this.#read = read;
    this.#latest = new LatestWindows({ source: "replay", instance, limit: Number.POSITIVE_INFINITY });
  }

  async latest(): Promise<LatestWindows> {
    const reports = await this.#read();
    const text = JSON.stringify(reports);
    if (text !== this.#known) {
      this.#latest.onReset();
      for (const report of reports) this.#latest.onReport(report);
      this.#known = text;
    }
    return this.#latest;
  }
}
