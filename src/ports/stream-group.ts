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
}

export interface GroupMembership {
  /** Gives all partitions back, so that others take them over at once. */
  leave(): Promise<void>;
}

export interface StreamGroup {
  /**
   * Resolves when the member belongs to the group. Brokers that go away later leave the assignment as it was.
   *
   * @throws NcfError `LOG_UNAVAILABLE` when no broker answers, `LOG_REFUSED` when they turn us away, `TOPIC_UNKNOWN`
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
 * Shares partitions out evenly; members keep what they have as far as that allows, since taking a partition over costs a
 * reading of its state. The same members and partitions give the same assignment, in whatever order they are given.
 */
export function shareOut(
  members: readonly AssignedMember[],
  partitions: readonly TopicPartition[],
): Map<string, TopicPartition[]> {
  const sorted = [...members].sort((a, b) => (a.id < b.id ? -1 : 1));
  const shares = new Map(sorted.map(({ id }) => [id, [] as TopicPartition[]]));
  const free = new Map(partitions.map((place) => [keyOf(place), place]));
  // As many members as there are left-over partitions have one more than the others: first those that own most.
  const least = Math.floor(partitions.length / sorted.length);
  let more = partitions.length % sorted.length;
  for (const { id, owned } of [...sorted].sort((a, b) => b.owned.length - a.owned.length)) {
    const share = shares.get(id) ?? [];
    const mine = owned.map(keyOf).filter((key) => free.has(key));
    const room = mine.length > least && more > 0 ? least + 1 : least;
    if (room > least) more -= 1;
    for (const key of mine.slice(0, room)) {
      share.push(free.get(key) as TopicPartition);
      free.delete(key);
    }
  }
  const rest = [...free.values()];
  for (const { id } of sorted) {
    const share = shares.get(id) ?? [];
    while (share.length < least) share.push(rest.shift() as TopicPartition);
  }
  for (const { id } of sorted) {
    const share = shares.get(id) ?? [];
    if (share.length === least && rest.length > 0) share.push(rest.shift() as TopicPartition);
  }
  return shares;
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}
