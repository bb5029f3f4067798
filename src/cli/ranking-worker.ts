/** A thread that ranks parts of a sample's users: reads the model by itself, then answers each request. */
import { parentPort, workerData } from "node:worker_threads";
import { userRanker } from "../app/recommend-all/rank-users.ts";
import { NcfError } from "../core/errors.ts";
import { chooseModel, chosenUserModel } from "./chosen-model.ts";
import type { RankingAnswer, RankingOrder, RankingRequest } from "./ranking-messages.ts";

const { choice, version, k } = workerData as RankingOrder;

async function start(): Promise<void> {
  const chosen = await chooseModel(choice);
  if (chosen.version !== version) {
    throw new NcfError(
      "CHAMPION_MOVED",
      `expected ${version}, found ${chosen.version}: the model was replaced. Start again`,
    );
  }
  const rank = userRanker(chosenUserModel(chosen), chosen.sample, k);
  parentPort?.on("message", ({ from, to }: RankingRequest) => {
    answering(() => {
      const ranked = rank(from, to);
      const answer: RankingAnswer = { ranked };
      parentPort?.postMessage(answer, [ranked.items.buffer as ArrayBuffer, ranked.scores.buffer as ArrayBuffer]);
    });
  });
}

function answering(work: () => void): void {
  try {
    work();
  } catch (error) {
    fail(error);
  }
}

function fail(error: unknown): void {
  const code = error instanceof NcfError ? error.code : "WORKER_FAILED";
  const answer: RankingAnswer = { code, message: error instanceof Error ? error.message : String(error) };
  parentPort?.postMessage(answer);
}

// Requests that came before the model was read wait in the port.
start().catch(fail);
