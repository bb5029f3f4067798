/** Where in the object store lies what becomes of an upload. */
import { createHash } from "node:crypto";
import { keyParts } from "../../ports/object-store.ts";
import { uploadsPrefix } from "../../ports/uploads.ts";

export function datasetPrefix(datasetId: string): string {
  return `datasets/${datasetId}`;
}

/** Written last: a data set with it is whole. */
export function datasetRecordKey(datasetId: string): string {
  return `${datasetPrefix(datasetId)}/ingest.json`;
}

/** The data set that the object is the record of; null for another object. */
export function datasetOfRecord(key: string): string | null {
  return /^datasets\/([^/]+)\/ingest\.json$/.exec(key)?.[1] ?? null;
}

export function samplePrefix(sampleId: string): string {
  return `samples/${sampleId}`;
}

/** Where the reason is kept why an upload was refused; by hash for a name that no key of ours can have. */
export function failedUploadKey(key: string): string {
  const name = key.slice(uploadsPrefix.length);
  const record = `uploads-failed/${name}.json`;
  try {
    return keyParts(record).join("/");
  } catch {
    return `uploads-failed/${createHash("sha256").update(key).digest("hex")}.json`;
  }
}
