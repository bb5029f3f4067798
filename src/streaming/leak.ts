import { NcfError } from "../core/errors.ts";
import type { RecordPlace } from "./prequential-test.ts";
import type { StreamModel } from "./stream-model.ts";

/** What a test answers for an event that the version may have learnt from. */
export function leak(timestampMs: number, model: StreamModel, place: RecordPlace): NcfError {
  const { version, cutOffMs, cutOffOffsets } = model;
  const { partition, offset } = place;
  const [expected, found] =
    cutOffOffsets === undefined
      ? [`after ${timeText(cutOffMs)}`, `of ${timeText(timestampMs)} at offset ${offset} of partition ${partition}`]
      : [
          `from offset ${cutOffOffsets.get(partition)} of partition ${partition} on`,
          `at offset ${offset} (${timeText(timestampMs)})`,
        ];
  return new NcfError(
    "LEAK",
    `expected events ${expected}, up to which model version ${version} may have learnt, found one ${found}. ` +
      "Stream later events, publish a version with an earlier cut-off, or allow the leak for a trial",
    { data: { version, cutOffMs, timestampMs, partition, offset } },
  );
}

function timeText(ms: number): string {
  return Number.isFinite(ms) ? `${new Date(ms).toISOString()} (${ms} ms)` : String(ms);
}
