/** Committed interactions of one partition, kept apart from the log: what a worker trains on. */

export interface KeptInteraction {
  readonly offset: number;
  /** Numeric ids, see core/ids.ts, and the ids as the source wrote them. */
  readonly userId: number;
  readonly itemId: number;
  readonly userText: string;
  readonly itemText: string;
  readonly timestampMs: number;
  readonly rating: number | null;
}

/** Offsets from … to − 1. */
export interface OffsetRange {
  readonly from: number;
  readonly to: number;
}

export interface InteractionChunks {
  /** The chunks there are, ascending by `from`, then by `to`. */
  list(): Promise<OffsetRange[]>;
  /** Keeps all interactions of the range as a chunk; nothing happens where it is there. */
  write(range: OffsetRange, interactions: readonly KeptInteraction[]): Promise<void>;
  /** A chunk that `list` gave, ascending by offset. @throws NcfError `FILE_DAMAGED` */
  read(range: OffsetRange): Promise<KeptInteraction[]>;
}
