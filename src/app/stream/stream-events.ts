/** What a stream says of its work: the names and fields are stable, for logs and metrics. */
import type { PartitionCommit } from "../../streaming/partition-commit.ts";
import type { WindowReport } from "../../streaming/window-report.ts";
import type { TrainingRequest } from "../loop/training-request.ts";
import type { ModelUpdate } from "./model-updates.ts";

/** `who`: "partition 3", "windows", "reports", ... */
export type StreamEvent =
  | {
      readonly event: "committed";
      readonly partition: number;
      readonly records: number;
      readonly commit: PartitionCommit;
    }
  | { readonly event: "snapshotStored"; readonly who: string; readonly offset: number; readonly bytes: number }
  | { readonly event: "snapshotFailed"; readonly who: string; readonly offset: number; readonly cause: unknown }
  /** The partitions of this member, and whether it folds the windows. */
  | { readonly event: "assigned"; readonly partitions: readonly number[]; readonly windows: boolean }
  | { readonly event: "opened"; readonly who: string; readonly offset: number; readonly ms: number }
  | { readonly event: "closed"; readonly who: string; readonly offset: number }
  /** Another member has it: the assignment is about to say so, or this process was away for too long. */
  | { readonly event: "fenced"; readonly who: string }
  /** Broker or store do not answer: it tries again after `retryMs`. */
  | { readonly event: "waiting"; readonly who: string; readonly retryMs: number; readonly cause: unknown }
  | { readonly event: "recovered"; readonly who: string }
  /** It was stopped while it waited: it is another member's now, or this one ends. */
  | { readonly event: "waitEnded"; readonly who: string }
  /** It cannot be loaded, so it is not tested; it is tried again now and then. */
  | {
      readonly event: "challengerSetAside";
      readonly who: string;
      readonly version: string;
      readonly cause: unknown;
    }
  | { readonly event: "idle"; readonly partition: number }
  | { readonly event: "modelUpdate"; readonly update: ModelUpdate }
  /** HR@10 has fallen below its running level in the window that starts there. */
  | { readonly event: "drift"; readonly startMs: number }
  | { readonly event: "trainingRequested"; readonly request: TrainingRequest }
  | { readonly event: "window"; readonly report: WindowReport };
