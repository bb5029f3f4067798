/** New objects in uploads/ → data sets. */
import { type IngestUploadDeps, ingestUpload, isUpload } from "../src/app/uploads/ingest-upload.ts";
import { type Observer, observed } from "./observability.ts";
import { objectKeys } from "./s3-event.ts";

export interface IngestDeps extends IngestUploadDeps {
  readonly maxBytes: number;
  readonly observer: Observer;
}

export function createHandler({ maxBytes, observer, ...deps }: IngestDeps) {
  return observed(observer, async (event: unknown, _context, { signal }) => {
    for (const key of objectKeys(event).filter(isUpload)) {
      const outcome = await ingestUpload(deps, { key, maxBytes, signal });
      if (outcome.kind === "ingested") {
        const { rowsKept, rowsRejected, users, items } = outcome.validation;
        observer.log("uploadIngested", { key, datasetId: outcome.datasetId, rowsKept, rowsRejected, users, items });
      } else if (outcome.kind === "known") observer.log("uploadKnown", { key, datasetId: outcome.datasetId });
      else
        observer.log("uploadRefused", {
          key,
          code: outcome.code,
          reason: outcome.reason,
          recordKey: outcome.recordKey,
        });
    }
  });
}
