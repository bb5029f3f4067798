/** Threads that rank users for `ncf recommend --all`, each with the model in its own memory. */
import { Worker } from "node:worker_threads";
import type { RankedUsers } from "../app/recommend-all/rank-users.ts";
import { NcfError } from "../core/errors.ts";
import type { RankingAnswer, RankingOrder, RankingRequest } from "./ranking-messages.ts";

export class RankingThreads {
  readonly #idle: Worker[];
  readonly #all: readonly Worker[];

  constructor(count: number, order: RankingOrder) {
    this.#all = Array.from(
      { length: count },
      () => new Worker(new URL("./ranking-thread.mjs", import.meta.url), { execArgv: [], workerData: order }),
    );
    this.#idle = [...this.#all];
  }

  /**
   * At most as many calls at a time as there are threads.
   *
   * @throws NcfError those of reading the model, `SCORE_NAN`, `WORKER_FAILED`; the signal's reason when aborted
   */
  rank(from: number, to: number, signal: AbortSignal): Promise<RankedUsers> {
    const worker = this.#idle.pop();
    if (worker === undefined) throw new NcfError("WORKER_FAILED", "expected a thread that is free, found none");
    return new Promise<RankedUsers>((resolve, reject) => {
      const onAbort = (): void => settle(() => reject(signal.reason));
      const onError = (cause: unknown): void =>
        settle(() =>
          reject(new NcfError("WORKER_FAILED", `a thread that ranks users failed: ${String(cause)}`, { cause })),
        );
      const onMessage = (answer: RankingAnswer): void =>
        settle(() => {
          if ("code" in answer) return reject(new NcfError(answer.code, answer.message));
          this.#idle.push(worker);
          resolve(answer.ranked);
        });
      const settle = (then: () => void): void => {
        signal.removeEventListener("abort", onAbort);
        worker.off("message", onMessage).off("error", onError);
        then();
      };
      signal.addEventListener("abort", onAbort);
      worker.on("message", onMessage).on("error", onError);
      const request: RankingRequest = { from, to };
      worker.postMessage(request);
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map((worker) => worker.terminate()));
  }
}
