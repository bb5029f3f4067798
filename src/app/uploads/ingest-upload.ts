/**
 * From an upload to a data set: `uploads/<name>` → `datasets/<id>/`, where the id is the content's, so that the same content
 * becomes a data set once, however often it comes. A file that is no ratings leaves a record of the reason, and is not
 * tried again.
 */
import { NcfError } from "../../core/errors.ts";
import { encodeJsonFile } from "../../core/json.ts";
import type { Dataset, ValidationReport } from "../../core/ratings.ts";
import type { DatasetStore } from "../../ports/dataset-store.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { RatingsSource } from "../../ports/ratings-source.ts";
import { type LocalUpload, type Uploads, uploadsPrefix } from "../../ports/uploads.ts";
import { checkUploadName, datasetPrefix, datasetRecordKey, failedUploadKey } from "./upload-keys.ts";

export interface IngestUploadDeps {
  readonly uploads: Uploads;
  readonly source: RatingsSource;
  readonly store: ObjectStore;
  readonly datasetsAt: (prefix: string) => DatasetStore;
}

export interface UploadRequest {
  readonly key: string;
  /** Of the upload, and of the ratings file in a zip. */
  readonly maxBytes: number;
  /** Stops the reading. */
  readonly signal?: AbortSignal | undefined;
}

export type IngestOutcome =
  | { readonly kind: "ingested"; readonly datasetId: string; readonly validation: ValidationReport }
  /** The content was a data set already. */
  | { readonly kind: "known"; readonly datasetId: string }
  | { readonly kind: "refused"; readonly code: string; readonly reason: string; readonly recordKey: string };

/** A name for the content's hash that is easy to handle: 128 bits of it. */
const idDigits = 32;

/** @throws NcfError `UPLOAD_CHANGED`, those of the store: trying again can help */
export async function ingestUpload(deps: IngestUploadDeps, request: UploadRequest): Promise<IngestOutcome> {
  const { key, maxBytes } = request;
  try {
    checkUploadName(key);
    return await deps.uploads.withFile(key, maxBytes, (upload) => ingestFile(deps, request, upload));
  } catch (error) {
    const reason = error instanceof FileRefused ? error.cause : error;
    const isFiles = error instanceof FileRefused || (error instanceof NcfError && fileCodes.has(error.code));
    if (!isFiles || !(reason instanceof NcfError)) throw error;
    const recordKey = failedUploadKey(key);
    await deps.store.put(recordKey, encodeJsonFile({ key, code: reason.code, message: reason.message }));
    return { kind: "refused", code: reason.code, reason: reason.message, recordKey };
  }
}

/** What is wrong with an upload before it is read. */
const fileCodes = new Set(["UPLOAD_TOO_LARGE", "OBJECT_NOT_FOUND", "OBJECT_KEY_INVALID", "UPLOAD_NAME_TOO_LONG"]);

/** That the content cannot be read as ratings: the cause says why. */
class FileRefused extends Error {}

async function ingestFile(deps: IngestUploadDeps, request: UploadRequest, upload: LocalUpload): Promise<IngestOutcome> {
  const { key } = request;
  const { bytes, sha256, etag } = upload;
  const datasetId = sha256.slice(0, idDigits);
  if ((await deps.store.head(datasetRecordKey(datasetId))) !== null) return { kind: "known", datasetId };
  const dataset = await readUpload(deps.source, request, upload);
  await deps.store.put(`${datasetPrefix(datasetId)}/upload.json`, encodeJsonFile({ key, etag, bytes, sha256 }));
  const name = dataset.validation.source;
  await deps.datasetsAt(datasetPrefix(datasetId)).write({ ...dataset, name, generated: false });
  return { kind: "ingested", datasetId, validation: dataset.validation };
}

/** @throws FileRefused for what is wrong with the file */
async function readUpload(
  source: RatingsSource,
  { key, maxBytes, signal }: UploadRequest,
  upload: LocalUpload,
): Promise<Dataset> {
  try {
    return await source.read(upload.path, {
      ...(signal && { signal }),
      onProgress: ({ bytesRead }) => {
        if (bytesRead <= maxBytes) return;
        throw new NcfError(
          "UPLOAD_TOO_LARGE",
          `${key}: expected ratings of at most ${maxBytes} bytes when unpacked, found more. Upload a part of them, or allow more`,
        );
      },
    });
  } catch (cause) {
    if (cause instanceof NcfError && !cause.retriable) throw new FileRefused("refused", { cause });
    throw cause;
  }
}

/** Whether the object is an upload: consoles make objects such as "uploads/" to show a folder. */
export function isUpload(key: string): boolean {
  return key.startsWith(uploadsPrefix) && !key.endsWith("/");
}
