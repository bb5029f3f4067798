import { createHash } from "node:crypto";
import { NcfError } from "../../core/errors.ts";
import { RatingsAssembler } from "../../core/ratings/assemble.ts";
import { parseItemList } from "../../core/ratings/item-list.ts";
import { detectLayout, quotedSeparator, type RatingsLayout } from "../../core/ratings/layout.ts";
import { withTags } from "../../core/ratings/tag-list.ts";
import { checkRejects, validationReport } from "../../core/ratings/validation.ts";
import type { Dataset, ItemDetails, RejectedRows } from "../../core/ratings.ts";
import type { RatingsSource, ReadRatingsOptions } from "../../ports/ratings-source.ts";
import { type ArchiveFile, openRatingsArchive, type RatingsArchive } from "./ratings-archive.ts";
import { SegmentCutter } from "./segment-cutter.ts";
import { SegmentPool } from "./segment-pool.ts";

/** Below this a worker would have started when the file is done. */
const minBytesForWorkers = 64 * 1024 * 1024;
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
  const cutter = new SegmentCutter();
  let parsing: Parsing | undefined;
  let bytesRead = 0;
  const parse = (final: boolean): Parsing => {
    options.signal?.throwIfAborted();
    parsing ??= startParsing(cutter, file, options);
    const { layout, assembler, pool } = parsing;
    cutter.cut(quotedSeparator(layout), final, (memory, length) => pool.parse(memory, length));
    const rowsRead = assembler.rowsKept + assembler.rowsRejected;
    options.onProgress?.({ rowsRead, bytesRead, bytesTotal: file.sizeBytes });
    return parsing;
  };
  try {
    for await (const chunk of file.read()) {
      hash.update(chunk);
      bytesRead += chunk.length;
      for (let taken = 0; taken < chunk.length; ) {
        taken += cutter.append(chunk.subarray(taken));
        if (cutter.full) parse(false);
      }
    }
    cutter.end();
    const { layout, assembler, pool } = parse(true);
    await pool.finish();
    return { layout, assembler, sha256: hash.digest("hex") };
  } finally {
    await parsing?.pool.close();
  }
}

interface Parsing {
  readonly layout: RatingsLayout;
  readonly assembler: RatingsAssembler;
  readonly pool: SegmentPool;
}

/** Finds the layout in the first bytes and leaves the rows only. */
function startParsing(cutter: SegmentCutter, file: ArchiveFile, options: ReadRatingsOptions): Parsing {
  const layout = detectLayout(cutter.bytes(), file.path, options);
  cutter.drop(layout.dataStart);
  const assembler = new RatingsAssembler(layout.firstLine);
  const workers = file.sizeBytes < minBytesForWorkers ? 0 : (options.threads ?? 1) - 1;
  return { layout, assembler, pool: new SegmentPool(layout, workers, (segment) => assembler.add(segment)) };
}

async function readItemList(
  archive: RatingsArchive,
): Promise<{ items: readonly ItemDetails[]; rejected: readonly RejectedRows[] } | null> {
  if (archive.itemList === null) return null;
  const { file, format } = archive.itemList;
  const genreNames = archive.genreNames === null ? undefined : await readWhole(archive.genreNames);
  const list = parseItemList(
    await readWhole(file),
    format,
    genreNames === undefined ? undefined : new TextDecoder("windows-1252").decode(genreNames),
  );
  if (archive.tags === null || format === "u-item") return list;
  const { items, rejected } = withTags(list.items, await readWhole(archive.tags), format);
  return { items, rejected: [...list.rejected, ...rejected] };
}

async function readWhole(file: ArchiveFile): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of file.read()) {
    chunks.push(chunk.slice());
    length += chunk.length;
    if (length > maxItemListBytes) {
      throw new NcfError(
        "ITEM_LIST_TOO_LARGE",
        `expected a list of items of at most ${maxItemListBytes} bytes, found more in ${file.path}`,
      );
    }
  }
  return Buffer.concat(chunks);
}
