import { NcfError } from "../core/errors.ts";
import type { RecordPlace } from "./prequential-test.ts";
import type { StreamModel } from "./stream-model.ts";

/** What a test answers for an event that the version may have learnt from. */
export function leak(timestampMs: number, model: StreamModel, place: RecordPlace): NcfError {
  const { version, cutOffMs, cutOffOffsets } = model;
  const { partition, offset } = place;
  const here = `of ${timeText(timestampMs)} at offset ${offset} of partition ${partition}`;
  const cutOff = cutOffOffsets?.get(partition) ?? 0;
  const [expected, found] =
    cutOffOffsets === undefined
      ? [`after ${timeText(cutOffMs)}, up to which`, `one ${here}`]
      : offset < cutOff
        ? [`from offset ${cutOff} of partition ${partition} on, before which`, `one ${here}`]
        : ["other than those from which", `one of these ${here}`];
  return new NcfError(
    "LEAK",
    `expected events ${expected} model version ${version} may have learnt, found ${found}. ` +
      "Stream later events, publish a version with an earlier cut-off, or allow the leak for a trial",
    { data: { version, cutOffMs, timestampMs, partition, offset } },
  );
}

function timeText(ms: number): string {
  return Number.isFinite(ms) ? `${new Date(ms).toISOString()} (${ms} ms)` : String(ms);
}
