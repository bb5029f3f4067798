/** Groups whose members all live in this process. */
import type { InteractionLog } from "../../ports/interaction-log.ts";
import {
  type GroupMembership,
  type JoinOptions,
  type StreamGroup,
  shareOut,
  type TopicPartition,
} from "../../ports/stream-group.ts";

interface Member {
  readonly id: string;
  owned: readonly TopicPartition[];
  readonly onAssigned: JoinOptions["onAssigned"];
}

export class MemoryStreamGroup implements StreamGroup {
  readonly #log: InteractionLog;
  readonly #members = new Map<string, Map<string, Member>>();
  #joined = 0;

  constructor(log: InteractionLog) {
    this.#log = log;
  }

  async join({ group, topics, onAssigned }: JoinOptions): Promise<GroupMembership> {
    const partitions: TopicPartition[] = [];
    for (const topic of topics) {
      const count = await this.#log.partitions(topic);
      for (let partition = 0; partition < count; partition++) partitions.push({ topic, partition });
    }
    const members = this.#members.get(group) ?? new Map<string, Member>();
    this.#members.set(group, members);
    const id = String(this.#joined++).padStart(6, "0");
    members.set(id, { id, owned: [], onAssigned });
    assign(members, partitions);
    return {
      // A member in this process is never taken for dead.
      lost: new Promise(() => undefined),
      leave: async () => {
        if (members.delete(id) && members.size > 0) assign(members, partitions);
      },
    };
  }
}

function assign(members: ReadonlyMap<string, Member>, partitions: readonly TopicPartition[]): void {
  const shares = shareOut([...members.values()], partitions);
  for (const member of members.values()) {
    member.owned = shares.get(member.id) ?? [];
    member.onAssigned(member.owned);
  }
}
