import type { NcfError } from "../core/errors.ts";

/**
 * Who of several processes works on which partition. Nothing that is computed hangs on it: opening a partition's producer fences
 * whoever had it before. It spreads the work, and notices a process that has perished.
 */

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface JoinOptions {
  readonly group: string;
  /** The partitions of these topics are shared out among the members. */
  readonly topics: readonly string[];
  /** Told of all that is assigned to this member, whenever that changes; at first when the member has joined. */
  readonly onAssigned: (assigned: readonly TopicPartition[]) => void;
  /** Ends the joining. */
  readonly signal: AbortSignal;
}

export interface GroupMembership {
  /**
   * Resolves when the membership has ended though nobody left: others may have the partitions by now. An outage that the group
   * gets over by itself does not end it.
   */
  readonly lost: Promise<NcfError>;
  /** Gives all partitions back, so that others take them over at once. */
  leave(): Promise<void>;
}

export interface StreamGroup {
  /**
   * Resolves when the member belongs to the group. Brokers that go away later leave the assignment as it was.
   *
   * @throws NcfError `LOG_UNAVAILABLE` when no broker answers, `LOG_REFUSED` when they turn us away, `TOPIC_UNKNOWN`;
   *   the signal's reason
   */
  join(options: JoinOptions): Promise<GroupMembership>;
}

/** A member as the assignment sees it. */
export interface AssignedMember {
  readonly id: string;
  /** What it had up to now. */
  readonly owned: readonly TopicPartition[];
}

/**
 * Shares partitions out evenly, those of each topic for themselves, so that who does the light work of one topic has no less of
 * another; members keep what they have as far as that allows, since taking a partition over costs a reading of its state. The
 * same members and partitions give the same assignment, in whatever order members are given.
 */
export function shareOut(
  members: readonly AssignedMember[],
  partitions: readonly TopicPartition[],
): Map<string, TopicPartition[]> {
  const sorted = [...members].sort((a, b) => (a.id < b.id ? -1 : 1));
  const shares = new Map(sorted.map(({ id }) => [id, [] as TopicPartition[]]));
  for (const topic of new Set(partitions.map((place) => place.topic))) {
    const free = new Map(partitions.filter((place) => place.topic === topic).map((place) => [keyOf(place), place]));
    const least = Math.floor(free.size / sorted.length);
    const more = free.size % sorted.length;
    // Left-over partitions go to those that have least of the topics before, and among them to those that own most.
    const taking = sorted
      .map(({ id, owned }) => ({ share: shares.get(id) ?? [], mine: owned.map(keyOf).filter((key) => free.has(key)) }))
      .sort((a, b) => a.share.length - b.share.length || b.mine.length - a.mine.length)
      .map(({ share, mine }, rank) => ({ share, mine, room: share.length + (rank < more ? least + 1 : least) }));
    for (const { share, mine, room } of taking) {
      for (const key of mine) if (share.length < room) take(share, free, key);
    }
    for (const { share, room } of taking) {
      for (const key of free.keys()) if (share.length < room) take(share, free, key);
    }
  }
  return shares;
}

function take(share: TopicPartition[], free: Map<string, TopicPartition>, key: string): void {
  const place = free.get(key);
  if (place !== undefined) share.push(place);
  free.delete(key);
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}
