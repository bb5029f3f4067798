import { createHash } from "node:crypto";
import { NcfError } from "../../core/errors.ts";
import { RatingsAssembler } from "../../core/ratings/assemble.ts";
import { wholeRecords } from "../../core/ratings/delimited.ts";
import { parseItemList } from "../../core/ratings/item-list.ts";
import { detectLayout, quotedSeparator, type RatingsLayout } from "../../core/ratings/layout.ts";
import { lineTooLong, SegmentParser } from "../../core/ratings/segment.ts";
import { checkRejects, validationReport } from "../../core/ratings/validation.ts";
import type { Dataset, ItemDetails, RejectedRows } from "../../core/ratings.ts";
import type { RatingsSource, ReadRatingsOptions } from "../../ports/ratings-source.ts";
import { type ArchiveFile, openRatingsArchive, type RatingsArchive } from "./ratings-archive.ts";

const segmentBytes = 8 * 1024 * 1024;
const defaultMaxRejectedShare = 0.01;
/** The largest list of items that is taken into memory. */
const maxItemListBytes = 256 * 1024 * 1024;

/** Ratings from a folder, a zip or a file on this machine. */
export const localRatingsSource: RatingsSource = { read: readDataset };

/** See `RatingsSource.read`. */
export async function readDataset(path: string, options: ReadRatingsOptions = {}): Promise<Dataset> {
  const archive = await openRatingsArchive(path);
  try {
    const { layout, assembler, sha256 } = await readRatings(archive.ratings, options);
    const { rowsKept, rowsRejected } = assembler;
    const maxRejectedShare = options.maxRejectedShare ?? defaultMaxRejectedShare;
    checkRejects(assembler, assembler.rejected(), archive.ratings.path, maxRejectedShare);
    const list = await readItemList(archive);
    const ratings = assembler.finish(options.selectUsers);
    const facts = {
      source: archive.name,
      format: layout.format,
      ratingsSha256: sha256,
      rowsKept,
      rowsRejected,
      listed: list?.items ?? null,
      itemListRejected: list?.rejected ?? [],
    };
    const items = list?.items ?? [...ratings.titles].map(([id, title]) => ({ id, title, genres: [] }));
    return { ratings: ratings.table, items, validation: validationReport(facts, ratings) };
  } finally {
    archive.close();
  }
}

interface RatingsRead {
  readonly layout: RatingsLayout;
  readonly assembler: RatingsAssembler;
  readonly sha256: string;
}

async function readRatings(file: ArchiveFile, options: ReadRatingsOptions): Promise<RatingsRead> {
  const hash = createHash("sha256");
  let layout: RatingsLayout | undefined;
  let assembler = new RatingsAssembler(1);
  let bytesRead = 0;
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  const parse = (final: boolean): void => {
    options.signal?.throwIfAborted();
    let bytes = joined(waiting, waitingBytes, final);
    if (layout === undefined) {
      layout = detectLayout(bytes.subarray(0, segmentBytes), file.path, options);
      assembler = new RatingsAssembler(layout.firstLine);
      bytes = bytes.subarray(layout.dataStart);
    }
    const end = final ? bytes.length : wholeRecords(bytes, quotedSeparator(layout));
    if (end === 0 && bytes.length > segmentBytes) throw lineTooLong();
    if (end > 0) assembler.add(new SegmentParser(layout).parse(bytes.subarray(0, end)));
    waiting = [bytes.subarray(end)];
    waitingBytes = bytes.length - end;
    options.onProgress?.({
      rowsRead: assembler.rowsKept + assembler.rowsRejected,
      bytesRead,
      bytesTotal: file.sizeBytes,
    });
  };
  for await (const chunk of file.read()) {
    hash.update(chunk);
    bytesRead += chunk.length;
    waiting.push(chunk);
    waitingBytes += chunk.length;
    if (waitingBytes >= segmentBytes) parse(false);
  }
  parse(true);
  return { layout: layout as unknown as RatingsLayout, assembler, sha256: hash.digest("hex") };
}

/** The chunks in one array; with a line break at the very end of the file, where it lacks one. */
function joined(chunks: readonly Uint8Array[], length: number, final: boolean): Uint8Array {
  const last = chunks.findLast((chunk) => chunk.length > 0)?.at(-1);
  const missingBreak = final && last !== undefined && last !== 10;
  const bytes = new Uint8Array(length + (missingBreak ? 1 : 0));
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  if (missingBreak) bytes[length] = 10;
  return bytes;
}

async function readItemList(
  archive: RatingsArchive,
): Promise<{ items: readonly ItemDetails[]; rejected: readonly RejectedRows[] } | null> {
  if (archive.itemList === null) return null;
  const { file, format } = archive.itemList;
  const genreNames = archive.genreNames === null ? undefined : await readWhole(archive.genreNames);
  return parseItemList(
    await readWhole(file),
    format,
    genreNames === undefined ? undefined : new TextDecoder("windows-1252").decode(genreNames),
  );
}

async function readWhole(file: ArchiveFile): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of file.read()) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > maxItemListBytes) {
      throw new NcfError(
        "ITEM_LIST_TOO_LARGE",
        `expected a list of items of at most ${maxItemListBytes} bytes, found more in ${file.path}`,
      );
    }
  }
  return joined(chunks, length, false);
}
