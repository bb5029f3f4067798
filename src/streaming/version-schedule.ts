/** Which model version is in force for an event. */
import type { StreamModel } from "./stream-model.ts";

export interface Promotion<Model extends StreamModel | null = StreamModel> {
  readonly model: Model;
  /** A window start: the version ranks events at or after this time. */
  readonly fromMs: number;
  /**
   * For a promotion that a partition heard of only after it had read events of that time: the first offset of that
   * partition to which it applies. Null where it came in time.
   */
  readonly fromOffset: number | null;
}

/**
 * The versions of one partition, in the order of their promotions. Immutable, so a lookup depends on nothing else. A schedule
 * of challengers may hold null, for none.
 */
export class VersionSchedule<Model extends StreamModel | null = StreamModel> {
  /** In force before any promotion. */
  readonly first: Model;
  readonly promotions: readonly Promotion<Model>[];

  /** @param first the version in force before any promotion */
  constructor(first: Model, promotions: readonly Promotion<Model>[] = []) {
    this.first = first;
    this.promotions = promotions;
  }

  with(promotion: Promotion<Model>): VersionSchedule<Model> {
    return new VersionSchedule(this.first, [...this.promotions, promotion]);
  }

  /** The latest promotion that covers an event; so a rollback is a promotion of an older version. */
  covering(timestampMs: number, offset: number): Promotion<Model> | undefined {
    return this.promotions.findLast(
      ({ fromMs, fromOffset }) => timestampMs >= fromMs && (fromOffset === null || offset >= fromOffset),
    );
  }

  inForce(timestampMs: number, offset: number): Model {
    const promotion = this.covering(timestampMs, offset);
    return promotion === undefined ? this.first : promotion.model;
  }

  /** Whether the promotion that counts at this time is one of this version from this time on. */
  isInForce(version: string | null, fromMs: number): boolean {
    const latest = this.promotions.findLast((promotion) => promotion.fromMs <= fromMs);
    return latest?.fromMs === fromMs && (latest.model?.version ?? null) === version;
  }

  /** The same for events at or after `fromMs` from `offset` on, without the promotions that none of these can need. */
  since(fromMs: number, offset: number): VersionSchedule<Model> {
    const last = this.promotions.findLastIndex(
      (promotion) => promotion.fromMs <= fromMs && (promotion.fromOffset ?? 0) <= offset,
    );
    return last < 0 ? this : new VersionSchedule(this.first, this.promotions.slice(last));
  }
}
