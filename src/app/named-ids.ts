/** Users and items of a sample by the ids that people name. */
import { NcfError } from "../core/errors.ts";
import { indexOfId, labelOf, numericId } from "../core/ids.ts";
import type { Sample } from "../core/sample.ts";

type Ids = Pick<Sample, "userIds" | "itemIds" | "userLabels" | "itemLabels">;

/** @param userId as the source wrote it @throws NcfError `USER_UNKNOWN`, `ID_INVALID` */
export function userNamed({ userIds, userLabels }: Ids, userId: string): number {
  const user = indexOfId(userIds, numericId(userId));
  if (user >= 0) return user;
  throw new NcfError(
    "USER_UNKNOWN",
    `expected a user of the sample, found "${userId}". It has ${userIds.length} users, such as ` +
      `${labelOf(userIds[0], userLabels)}`,
  );
}

/** @param itemId as the source wrote it @throws NcfError `ITEM_UNKNOWN`, `ID_INVALID` */
export function itemNamed({ itemIds, itemLabels }: Ids, itemId: string): number {
  const item = indexOfId(itemIds, numericId(itemId));
  if (item >= 0) return item;
  throw new NcfError(
    "ITEM_UNKNOWN",
    `expected an item of the sample, found "${itemId}". It has ${itemIds.length} items, such as ` +
      `${labelOf(itemIds[0], itemLabels)}`,
  );
}
