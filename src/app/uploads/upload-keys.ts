/** Where in the object store lies what becomes of an upload. */
import { createHash } from "node:crypto";
import { NcfError } from "../../core/errors.ts";
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

/** Of a file's name, which the upload becomes while it is read: what file systems take. */
const longestNameBytes = 255;
/** S3's limit. */
const longestKeyBytes = 1_024;

/** @throws NcfError `UPLOAD_NAME_TOO_LONG` */
export function checkUploadName(key: string): void {
  const name = key.split("/").at(-1) ?? "";
  const bytes = Buffer.byteLength(name);
  if (bytes <= longestNameBytes) return;
  throw new NcfError(
    "UPLOAD_NAME_TOO_LONG",
    `expected an upload whose name has at most ${longestNameBytes} bytes, found ${bytes} of "${name.slice(0, 40)}...". Upload it ` +
      "under a shorter name",
  );
}

/** Where the reason is kept why an upload was refused; by hash for a name that no key of ours can have. */
export function failedUploadKey(key: string): string {
  const name = key.slice(uploadsPrefix.length);
  const record = `uploads-failed/${name}.json`;
  const isTooLong = Buffer.byteLength(record) > longestKeyBytes;
  try {
    if (!isTooLong && record.split("/").every((part) => Buffer.byteLength(part) <= longestNameBytes)) {
      return keyParts(record).join("/");
    }
  } catch {
    // Not a key at all.
  }
  return `uploads-failed/${createHash("sha256").update(key).digest("hex")}.json`;
}
