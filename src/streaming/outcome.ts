/** What stage 1 makes of a record. */
import type { InteractionEvent } from "./interaction-event.ts";
import type { TimeWindow } from "./time-windows.ts";

/** What ranks the candidates of an event: the model version in force, and two baselines on the same candidates. */
export const contenders = ["model", "popularity", "decayedPopularity"] as const;
export type Contender = (typeof contenders)[number];

/** Expected hit and NDCG at 10, in units of 1e-9, so that sums are integers and do not depend on their order. */
export interface Score {
  readonly hit: number;
  readonly ndcg: number;
}

export interface ChallengerScore extends Score {
  readonly version: string;
  /** Whether this is the user's first tested event since the challenger began. */
  readonly firstOfUser: boolean;
}

/** `cold`: no earlier event. `foldedIn`: earlier events, but the version has not learnt the user. `warm`: it has. */
export const userKinds = ["cold", "foldedIn", "warm"] as const;
export type UserKind = (typeof userKinds)[number];

/** A window in which an event counts. */
export interface CountedWindow extends TimeWindow {
  /** Whether this is the user's first tested event in the window. */
  readonly firstOfUser: boolean;
}

/** A tested event. But for `partition`, `offset` and `windows`, it is the same for any number of partitions. */
export interface Outcome extends Readonly<Record<Contender, Score>>, Omit<InteractionEvent, "rating"> {
  readonly partition: number;
  readonly offset: number;
  readonly version: string;
  /** Items ranked, the test item included. */
  readonly candidates: number;
  /** Candidates that the model scored above the test item, and others level with it. */
  readonly above: number;
  readonly tied: number;
  readonly kind: UserKind;
  /** Activity quartile, 1 to 4, by the events that the version may have learnt from; null if it does not know the user. */
  readonly quartile: number | null;
  /** Whether the item had no training interaction. */
  readonly coldItem: boolean;
  /** Whether the version may have learnt from this event; only where `leak` is `mark`. */
  readonly leaked: boolean;
  /** What a challenger made of the same candidates; null where there is none or the event cannot be paired. */
  readonly challenger: ChallengerScore | null;
  readonly windows: readonly CountedWindow[];
}

/** An event whose windows were all closed. */
export interface LateEvent {
  readonly partition: number;
  readonly offset: number;
  readonly event: InteractionEvent;
  /** Stream time of the partition when it came; null after the end of the stream. */
  readonly streamTimeMs: number | null;
}

/** A record that is no event. */
export interface DeadLetter {
  readonly partition: number;
  readonly offset: number;
  /** What was expected and what was found. */
  readonly reason: string;
  readonly value: Uint8Array | null;
}
