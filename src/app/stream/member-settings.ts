/** What a member of a stream's group is given. */
import type { StreamGroup } from "../../ports/stream-group.ts";
import type { StreamEvent } from "./stream-events.ts";
import type { StreamDeps, StreamSettings } from "./stream-settings.ts";
import type { TrainingDeps } from "./training-policy.ts";

export interface StreamMemberDeps extends StreamDeps {
  readonly groups: StreamGroup;
  readonly onEvent: (event: StreamEvent) => void;
  readonly monotonicMs: () => number;
  /** Keeps interactions for training and asks for it; absent where nothing is trained. */
  readonly training?: TrainingDeps;
  /** Resolves when the time is up or the signal is given. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

export interface StreamMemberSettings extends StreamSettings {
  /** From one commit to the next, where records come slower than that many would fill one. */
  readonly commitIntervalMs: number;
  /** A partition at its log's end for so long no longer holds windows back. */
  readonly idleTimeoutMs: number;
  /** From one chunk of kept interactions to the next, from one look at whether to train, and for new versions, to the next. */
  readonly keepIntervalMs: number;
  /** From one storing of the reports that have changed to the next. */
  readonly reportIntervalMs: number;
  /** From one look at the registry's champion to the next. */
  readonly registryIntervalMs: number;
  /** Records that no version has learnt, for which a training is asked for. */
  readonly trainEvery: number;
  /** Final windows that no version has learnt, for which one is asked for, too; null where they do not count. */
  readonly trainWindows: number | null;
}

/** How long a wait for records goes on before its partition is looked at again. */
export const longestWaitMs = 1_000;
