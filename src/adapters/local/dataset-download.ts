/** Data sets by name: downloaded once, checked, and kept in a folder. */
import { createHash, randomBytes } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { NcfError } from "../../core/errors.ts";
import { noProgress, type Progress } from "../../ports/progress.ts";
import { grouplensUrl, type PublishedDataset, publishedDataset } from "./dataset-catalogue.ts";
import { type HttpLimits, httpBytes, httpText } from "./http-download.ts";
import { openZip } from "./zip-entries.ts";

export interface DownloadOptions {
  /** Where archives are kept; created when missing. */
  readonly folder: string;
  /** Where the archives lie, ending in "/"; GroupLens's own place by default. */
  readonly baseUrl?: string;
  /** How long a server may take to answer; 5,000 by default. */
  readonly connectTimeoutMs?: number;
  /** How long a started download may stand still; 30,000 by default. */
  readonly stallTimeoutMs?: number;
  readonly progress?: Progress;
  readonly signal?: AbortSignal | undefined;
}

export interface LocalDataset {
  /** The archive on this machine. */
  readonly path: string;
  /** Whether it was there already. */
  readonly cached: boolean;
  readonly dataset: PublishedDataset;
}

/** Archives that a killed download left behind are removed after so long. */
const abandonedAfterMs = 24 * 3600 * 1000;
const temporarySuffix = ".part";

/**
 * The archive of a data set by name, from `folder` or else from the network. What comes over the network is written beside
 * its place, compared with the published checksum, and renamed; so any number of processes may ask at once, and a folder
 * never holds half an archive under its own name. A kept archive that no longer has its checksum is fetched again.
 *
 * @throws NcfError `DATASET_UNKNOWN`; `DATASET_UNREACHABLE` when no server answers in time; `DATASET_REFUSED` for an
 *   answer other than the file; `DATASET_STALLED` and `DATASET_CUT` for a download that stops; `DATASET_CHECKSUM` for
 *   wrong bytes; `DATASET_CHANGED` for another edition of ml-latest-small; `DATASET_FOLDER` when `folder` cannot be written
 */
export async function downloadDataset(name: string, options: DownloadOptions): Promise<LocalDataset> {
  const dataset = publishedDataset(name);
  const target = path.join(options.folder, dataset.archive);
  if (await isIntact(target)) return { path: target, cached: true, dataset };

  await mkdir(options.folder, { recursive: true }).catch((cause) => {
    throw folderError(options.folder, cause);
  });
  await removeAbandoned(options.folder, dataset.archive);
  const limits: HttpLimits = {
    connectTimeoutMs: options.connectTimeoutMs ?? 5_000,
    stallTimeoutMs: options.stallTimeoutMs ?? 30_000,
    signal: options.signal,
  };
  const url = new URL(dataset.archive, options.baseUrl ?? grouplensUrl).href;
  const md5 = publishedMd5(await httpText(`${url}.md5`, limits), `${url}.md5`);
  const temporary = `${target}.${randomBytes(6).toString("hex")}${temporarySuffix}`;
  try {
    const found = await writeArchive(url, temporary, dataset, limits, options.progress ?? noProgress);
    if (found !== md5) {
      throw new NcfError(
        "DATASET_CHECKSUM",
        `expected the MD5 ${md5} of ${url}, found ${found}; the file was removed. Try again, and if it stays so, the copy on the server or on the way is damaged`,
        { retriable: true },
      );
    }
    if (dataset.ratingsSha256 !== null) await checkEdition(temporary, dataset.ratingsSha256, url);
    await putInPlace(temporary, target, md5);
  } finally {
    await rm(temporary, { force: true }).catch(() => undefined);
  }
  return { path: target, cached: false, dataset };
}

/** Both forms that GroupLens publishes: `MD5 (ml-20m.zip) = <hex>` and `<hex>  ml-20m.zip`. */
function publishedMd5(text: string, url: string): string {
  const match = /^\s*(?:MD5 \([^)]*\) = )?([0-9a-f]{32})(?![0-9a-f])/i.exec(text);
  if (match !== null) return match[1].toLowerCase();
  const found = JSON.stringify(text.slice(0, 60));
  throw new NcfError(
    "DATASET_REFUSED",
    `expected an MD5 checksum at ${url}, found ${found}: perhaps a proxy or a sign-in page answers in the server's place`,
  );
}

/** Writes the bytes at `url` to a new file, synced; returns their MD5. */
async function writeArchive(
  url: string,
  temporary: string,
  dataset: PublishedDataset,
  limits: HttpLimits,
  progress: Progress,
): Promise<string> {
  const onDisk = async <T>(work: Promise<T>): Promise<T> =>
    work.catch((cause) => {
      throw folderError(path.dirname(temporary), cause);
    });
  const hash = createHash("md5");
  const file = await onDisk(open(temporary, "wx"));
  try {
    const { sizeBytes, chunks } = await httpBytes(url, limits);
    const task = progress.start(`Downloading ${dataset.name}`, sizeBytes, "bytes");
    let done = 0;
    for await (const chunk of chunks) {
      hash.update(chunk);
      await onDisk(file.writeFile(chunk));
      done += chunk.length;
      task.update(done);
    }
    await onDisk(file.sync());
    task.end();
  } finally {
    await file.close();
  }
  return hash.digest("hex");
}

/** Renames the checked file to its place, after its checksum by which later calls know it. */
async function putInPlace(temporary: string, target: string, md5: string): Promise<void> {
  const note = `${temporary}.md5`;
  try {
    const file = await open(note, "wx");
    try {
      await file.writeFile(`${md5}  ${path.basename(target)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(note, `${target}.md5`);
    await rename(temporary, target);
  } catch (cause) {
    await rm(note, { force: true }).catch(() => undefined);
    // On Windows the rename fails while another process reads the same archive that it fetched first.
    if (await isIntact(target)) return;
    throw folderError(path.dirname(target), cause);
  }
}

/** Whether the archive is there with the checksum noted beside it. */
async function isIntact(target: string): Promise<boolean> {
  const noted = await readFile(`${target}.md5`, "utf8").catch(() => null);
  if (noted === null) return false;
  const md5 = await fileHash(target, "md5").catch(() => null);
  return md5 !== null && noted.startsWith(md5);
}

async function fileHash(file: string, algorithm: string): Promise<string> {
  const handle = await open(file, "r");
  const hash = createHash(algorithm);
  try {
    for await (const chunk of handle.createReadStream({ autoClose: false, highWaterMark: 1 << 20 })) hash.update(chunk);
  } finally {
    await handle.close();
  }
  return hash.digest("hex");
}

async function checkEdition(archive: string, expected: string, url: string): Promise<void> {
  const zip = await openZip(archive);
  try {
    const hash = createHash("sha256");
    const ratings = zip.entries.find((entry) => path.posix.basename(entry.path) === "ratings.csv");
    if (ratings !== undefined) for await (const chunk of ratings.read()) hash.update(chunk);
    const found = ratings === undefined ? "no ratings.csv" : `one with ${hash.digest("hex")}`;
    if (found === `one with ${expected}`) return;
    throw new NcfError(
      "DATASET_CHANGED",
      `expected a ratings.csv with the sha256 ${expected} in ${url}, found ${found}; the file was removed. GroupLens seems to have published another edition: download and unpack it yourself and name its folder with --dataset`,
    );
  } finally {
    zip.close();
  }
}

async function removeAbandoned(folder: string, archive: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    if (!name.startsWith(`${archive}.`) || !name.includes(temporarySuffix)) continue;
    const file = path.join(folder, name);
    const modifiedMs = (await stat(file).catch(() => null))?.mtimeMs;
    if (modifiedMs !== undefined && Date.now() - modifiedMs > abandonedAfterMs) await rm(file, { force: true });
  }
}

function folderError(folder: string, cause: unknown): NcfError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new NcfError(
    "DATASET_FOLDER",
    `expected to write the data set to ${folder}, found: ${reason}. Free space or choose a folder that can be written`,
    { cause },
  );
}
