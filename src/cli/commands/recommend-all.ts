/** `ncf recommend --all`: every user's best unseen items, as Parquet. */
import { rmSync } from "node:fs";
import path from "node:path";
import { FileObjectStore } from "../../adapters/local/file-object-store.ts";
import { parquetRecommendations } from "../../adapters/parquet/recommendations-writer.ts";
import { recommendAll } from "../../app/recommend-all/recommend-all.ts";
import { grouped } from "../../app/report/number-text.ts";
import { chooseModel, type ModelChoice } from "../chosen-model.ts";
import { lockFolder } from "../folder-lock.ts";
import { asPrefix } from "../folders.ts";
import { RankingThreads } from "../ranking-threads.ts";
import type { Terminal } from "../terminal.ts";

export interface RecommendAllValues {
  readonly out: string;
  readonly k: number;
  readonly threads: number;
}

export async function recommendToEveryone(
  choice: ModelChoice,
  { out, k, threads }: RecommendAllValues,
  terminal: Terminal,
): Promise<void> {
  terminal.goesOnBy("the same command goes on from here");
  const [store, key] = asPrefix(out);
  const partsFolder = `${path.resolve(out)}.parts`;
  const unlock = lockFolder(partsFolder);
  try {
    const startedMs = performance.now();
    const { sample, version } = await chooseModel(choice);
    const pool = new RankingThreads(threads, { choice, version, k });
    const { signal } = terminal;
    const result = await recommendAll(
      {
        parts: new FileObjectStore(partsFolder),
        table: parquetRecommendations(store, key),
        progress: terminal.progress,
        log: terminal.log,
        rank: (from, to) => pool.rank(from, to, signal),
        parallel: threads,
      },
      { sample, version, k, signal },
    ).finally(() => pool.close());
    rmSync(partsFolder, { recursive: true });
    const seconds = (performance.now() - startedMs) / 1000;
    // Of all threads: what the work costs where others use the machine, too.
    const { user, system } = process.cpuUsage();
    const processorSeconds = (user + system) / 1e6;
    const resumed = result.resumedUsers > 0 ? ` (${grouped(result.resumedUsers)} of them before)` : "";
    terminal.answer(
      { ...result, seconds, processorSeconds, out },
      `${grouped(result.rows)} recommendations for ${grouped(result.users)} users${resumed} in ${seconds.toFixed(1)} s: ${out}`,
    );
  } finally {
    unlock();
  }
}
