import type { Readable, Transform } from "node:stream";
import { crc32, createInflateRaw } from "node:zlib";
import { type Entry, openPromise, type ZipFile } from "yauzl";
import { NcfError } from "../../core/errors.ts";

/** Files of a zip, streamed: nothing is unpacked to disk or whole into memory. */

const stored = 0;
const deflated = 8;
const inflatedChunkBytes = 1024 * 1024;

export interface ZipEntry {
  /** Path inside the zip. */
  readonly path: string;
  /** Unpacked size as the zip's directory says. */
  readonly sizeBytes: number;
  /** The unpacked bytes. @throws NcfError `ZIP_INVALID` when size or checksum do not match */
  read(): AsyncGenerator<Uint8Array>;
}

export interface ZipEntries {
  readonly entries: readonly ZipEntry[];
  close(): void;
}

/** Opens a zip and lists its files. @throws NcfError `ZIP_INVALID` */
export async function openZip(path: string): Promise<ZipEntries> {
  let zip: ZipFile | undefined;
  try {
    zip = await openPromise(path, { autoClose: false, lazyEntries: true });
    const opened = zip;
    const entries: ZipEntry[] = [];
    for await (const entry of opened.eachEntry()) {
      if (entry.fileName.endsWith("/")) continue;
      entries.push({
        path: entry.fileName,
        sizeBytes: entry.uncompressedSize,
        read: () => readEntry(opened, entry, path),
      });
    }
    return { entries, close: () => opened.close() };
  } catch (error) {
    zip?.close();
    throw zipInvalid(path, error);
  }
}

async function* readEntry(zip: ZipFile, entry: Entry, path: string): AsyncGenerator<Uint8Array> {
  if (entry.isEncrypted()) throw zipInvalid(path, `${entry.fileName} is encrypted`);
  if (entry.compressionMethod !== stored && entry.compressionMethod !== deflated) {
    throw zipInvalid(path, `${entry.fileName} uses compression method ${entry.compressionMethod}`);
  }
  let source: Readable | undefined;
  let unpacked: Readable | Transform | undefined;
  let checksum = 0;
  let size = 0;
  try {
    source = await zip.openReadStreamPromise(entry, { decodeFileData: false });
    unpacked = source;
    if (entry.compressionMethod === deflated) {
      const inflate = createInflateRaw({ chunkSize: inflatedChunkBytes });
      source.on("error", (error) => inflate.destroy(error));
      unpacked = source.pipe(inflate);
    }
    for await (const chunk of unpacked as AsyncIterable<Uint8Array>) {
      checksum = crc32(chunk, checksum);
      size += chunk.length;
      yield chunk;
    }
  } catch (error) {
    throw error instanceof NcfError ? error : zipInvalid(path, error);
  } finally {
    source?.destroy();
    unpacked?.destroy();
  }
  if (size !== entry.uncompressedSize || checksum !== entry.crc32) {
    throw zipInvalid(path, `${entry.fileName} does not match its checksum`);
  }
}

function zipInvalid(path: string, cause: unknown): NcfError {
  const found = cause instanceof Error ? cause.message : String(cause);
  return new NcfError(
    "ZIP_INVALID",
    `expected a whole zip in ${path}, found: ${found}. It is truncated or damaged, or not a zip: download or pack it again`,
    { cause },
  );
}
