/** A sample's training interactions as user histories, and back. */
import type { Sample } from "../core/sample.ts";
import { UserHistories } from "./user-histories.ts";

/** What the sample's users did in training: the form of a snapshot 0. */
export function historiesOf({ userIds, itemIds, train }: Sample): UserHistories {
  const histories = new UserHistories();
  userIds.forEach((userId, user) => {
    for (let i = train.offsets[user]; i < train.offsets[user + 1]; i++) {
      histories.append(userId, itemIds[train.items[i]], train.timestampsMs[i], false);
    }
  });
  return histories;
}

/** The other way round: what the users did, as a sample's training interactions. An item outside `itemIds` is −1. */
export function trainingOf(histories: UserHistories, userIds: Float64Array, itemIds: Float64Array): Sample["train"] {
  const indexOf = new Map(Array.from(itemIds, (id, index) => [id, index]));
  const offsets = new Uint32Array(userIds.length + 1);
  const items = new Int32Array(histories.entryCount);
  const timestampsMs = new Float64Array(histories.entryCount);
  let written = 0;
  userIds.forEach((userId, user) => {
    const { itemIds: touched, timesMs } = histories.read(histories.userIndex(userId));
    for (let i = 0; i < touched.length; i++, written++) {
      items[written] = indexOf.get(touched[i]) ?? -1;
      timestampsMs[written] = timesMs[i];
    }
    offsets[user + 1] = written;
  });
  return { offsets, items, timestampsMs };
}
