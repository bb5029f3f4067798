import type { RatingsLayout } from "../../core/ratings/layout.ts";
import type { RatingsSegment } from "../../core/ratings/segment.ts";

/** What a reader and its parsing threads say to each other. Memory goes back and forth; nothing is copied. */

/** A worker's first message. */
export const workerReady = "ready";

export interface SegmentRequest {
  readonly layout: RatingsLayout;
  readonly memory: ArrayBuffer;
  /** The segment lies at the start of `memory`. */
  readonly length: number;
}

export type SegmentAnswer =
  | { readonly memory: ArrayBuffer; readonly segment: RatingsSegment }
  | { readonly code: string; readonly message: string };
