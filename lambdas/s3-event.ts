/** The objects that an event of S3 tells of. */
import { z } from "zod";
import { NcfError } from "../src/core/errors.ts";

const s3EventSchema = z.object({
  Records: z.array(z.object({ s3: z.object({ object: z.object({ key: z.string().min(1) }) }) })),
});

/**
 * Keys of new objects; none for the event by which S3 tests a notification.
 *
 * @throws NcfError `EVENT_INVALID`
 */
export function objectKeys(event: unknown): string[] {
  if ((event as { Event?: unknown } | null)?.Event === "s3:TestEvent") return [];
  const parsed = s3EventSchema.safeParse(event);
  if (!parsed.success) {
    throw new NcfError(
      "EVENT_INVALID",
      `expected an event of S3, ${z.prettifyError(parsed.error)}. Connect the Lambda to the bucket's notifications alone`,
    );
  }
  // S3 encodes keys as forms do.
  return parsed.data.Records.map(({ s3 }) => decodeURIComponent(s3.object.key.replaceAll("+", " ")));
}
