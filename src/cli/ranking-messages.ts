import type { RankedUsers } from "../app/recommend-all/rank-users.ts";
import type { ModelChoice } from "./chosen-model.ts";

/** What `ncf recommend --all` and its ranking threads say to each other. */

/** What a thread starts with. */
export interface RankingOrder {
  readonly choice: ModelChoice;
  /** What the thread must find there. */
  readonly version: string;
  readonly k: number;
}

/** Users `from` to before `to`. */
export interface RankingRequest {
  readonly from: number;
  readonly to: number;
}

export type RankingAnswer = { readonly ranked: RankedUsers } | { readonly code: string; readonly message: string };
