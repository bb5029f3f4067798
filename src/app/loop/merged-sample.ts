/** A model's sample with what users did since, as the stream counts it: of a repeated user and item the first stays. */
import { isIntegerId } from "../../core/ids.ts";
import type { Sample } from "../../core/sample.ts";
import type { KeptInteraction } from "../../ports/interaction-chunks.ts";
import { historiesOf, trainingOf } from "../../streaming/sample-histories.ts";

/** @param interactions a user's in the order in which they came */
export function mergedSample(before: Sample, interactions: readonly KeptInteraction[]): Sample {
  const histories = historiesOf(before);
  const users = new Set(before.userIds);
  const items = new Set(before.itemIds);
  const userLabels = new Map(before.userLabels);
  const itemLabels = new Map(before.itemLabels);
  for (const { userId, itemId, userText, itemText, timestampMs } of interactions) {
    if (histories.has(userId, itemId)) continue;
    histories.append(userId, itemId, timestampMs, false);
    users.add(userId);
    items.add(itemId);
    if (!isIntegerId(userText)) userLabels.set(userId, userText);
    if (!isIntegerId(itemText)) itemLabels.set(itemId, itemText);
  }
  const userIds = Float64Array.from(users).sort();
  const itemIds = Float64Array.from(items).sort();
  return {
    userIds,
    itemIds,
    userLabels,
    itemLabels,
    train: trainingOf(histories, userIds, itemIds),
    testItems: new Int32Array(userIds.length).fill(-1),
    testTimestampsMs: new Float64Array(userIds.length).fill(Number.NaN),
  };
}
