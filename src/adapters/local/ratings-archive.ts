import { open, readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { NcfError } from "../../core/errors.ts";
import type { ItemListFormat } from "../../core/ratings/item-list.ts";
import { openZip } from "./zip-entries.ts";

/** What a path holds: the ratings file and the list of items beside it, in a folder, in a zip, or by themselves. */

const readBytes = 1024 * 1024;
const ratingsNames = ["ratings.csv", "ratings.dat", "u.data"];
const itemListNames: Readonly<Record<string, readonly [name: string, format: ItemListFormat]>> = {
  "ratings.csv": ["movies.csv", "movies-csv"],
  "ratings.dat": ["movies.dat", "movies-dat"],
  "u.data": ["u.item", "u-item"],
};
const tagsNames: Readonly<Partial<Record<ItemListFormat, string>>> = {
  "movies-csv": "tags.csv",
  "movies-dat": "tags.dat",
};
const ownNames = /\.(?:csv|tsv|txt)$/i;

/** One file of an archive. */
export interface ArchiveFile {
  /** Path inside the archive, or the file's own path. */
  readonly path: string;
  readonly sizeBytes: number;
  /** The unpacked bytes; a chunk is valid until the next is asked for. */
  read(): AsyncGenerator<Uint8Array>;
}

export interface RatingsArchive {
  /** Such as `ml-latest-small` or `purchases.csv`. */
  readonly name: string;
  readonly ratings: ArchiveFile;
  readonly itemList: { readonly file: ArchiveFile; readonly format: ItemListFormat } | null;
  /** What people call the items. */
  readonly tags: ArchiveFile | null;
  /** ML-100K's `u.genre`. */
  readonly genreNames: ArchiveFile | null;
  close(): void;
}

/**
 * Finds the ratings in a folder, a zip or a plain file.
 *
 * @throws NcfError `RATINGS_NOT_FOUND`, `ARCHIVE_UNREADABLE`, `ZIP_INVALID`
 */
export async function openRatingsArchive(path: string): Promise<RatingsArchive> {
  const { files, close, ratings } = await filesAt(path);
  const name = basename(path).replace(/\.zip$/i, "") || path;
  const chosen = ratings ?? chooseRatings(files);
  if (chosen === undefined) {
    close();
    throw ratingsNotFound(path, files);
  }
  const beside = (wanted: string) =>
    files.find((file) => folderOf(file) === folderOf(chosen) && baseOf(file) === wanted) ?? null;
  const [listName, format] = itemListNames[baseOf(chosen)] ?? [];
  const list = listName === undefined ? null : beside(listName);
  return {
    name,
    ratings: chosen,
    itemList: list === null || format === undefined ? null : { file: list, format },
    tags: format === undefined ? null : beside(tagsNames[format] ?? ""),
    genreNames: format === "u-item" ? beside("u.genre") : null,
    close,
  };
}

interface Listing {
  readonly files: readonly ArchiveFile[];
  /** Given where the path names the ratings file itself. */
  readonly ratings?: ArchiveFile;
  close(): void;
}

async function filesAt(path: string): Promise<Listing> {
  const info = await onDisk(path, () => stat(path));
  if (info.isDirectory()) {
    const top = await listFolder(path);
    return { files: chooseRatings(top) === undefined ? await listSubfolders(path, top) : top, close: () => {} };
  }
  if (!info.isFile()) {
    throw new NcfError("ARCHIVE_UNREADABLE", `expected a folder, a zip or a file at ${path}, found a device or socket`);
  }
  if (await isZip(path)) {
    const zip = await openZip(path);
    return { files: zip.entries, close: zip.close };
  }
  const ratings = plainFile(path, info.size);
  const listed = itemListNames[baseOf(ratings)] === undefined ? [] : await listFolder(dirname(path));
  return { files: listed.filter((file) => file.path !== path), ratings, close: () => {} };
}

async function listFolder(folder: string): Promise<ArchiveFile[]> {
  const entries = await onDisk(folder, () => readdir(folder, { withFileTypes: true }));
  const files: ArchiveFile[] = [];
  for (const entry of entries.filter((candidate) => !candidate.isDirectory())) {
    const path = join(folder, entry.name);
    const info = await stat(path).catch(() => null); // a dangling link is no file of ours
    if (info?.isFile()) files.push(plainFile(path, info.size));
  }
  return files;
}

/** A zip's top folder often stays around its content when unpacked. */
async function listSubfolders(folder: string, top: readonly ArchiveFile[]): Promise<ArchiveFile[]> {
  const files = [...top];
  for (const entry of await onDisk(folder, () => readdir(folder, { withFileTypes: true }))) {
    if (entry.isDirectory()) files.push(...(await listFolder(join(folder, entry.name)).catch(() => [])));
  }
  return files;
}

/** MovieLens's names first, the shallowest path first; otherwise the only file that looks like a table. */
function chooseRatings(files: readonly ArchiveFile[]): ArchiveFile | undefined {
  const depth = (file: ArchiveFile) => file.path.split(/[/\\]/).length;
  for (const name of ratingsNames) {
    const named = files.filter((file) => baseOf(file) === name).sort((a, b) => depth(a) - depth(b));
    if (named.length > 0) return named[0];
  }
  const tables = files.filter((file) => ownNames.test(file.path) && !/readme|license/i.test(baseOf(file)));
  return tables.length === 1 ? tables[0] : undefined;
}

function baseOf(file: ArchiveFile): string {
  return file.path.replace(/^.*[/\\]/, "").toLowerCase();
}

function folderOf(file: ArchiveFile): string {
  return file.path.replace(/[^/\\]*$/, "");
}

function plainFile(path: string, sizeBytes: number): ArchiveFile {
  return { path, sizeBytes, read: () => readPlainFile(path) };
}

/** Reads ahead by one chunk, so that the disk and who reads it work at the same time. */
async function* readPlainFile(path: string): AsyncGenerator<Uint8Array> {
  const file = await onDisk(path, () => open(path));
  const into = (buffer: Buffer) => onDisk(path, () => file.read(buffer, 0, readBytes, null));
  let next = into(Buffer.allocUnsafe(readBytes));
  try {
    let spare: Buffer = Buffer.allocUnsafe(readBytes);
    for (;;) {
      const { bytesRead, buffer } = await next;
      if (bytesRead === 0) return;
      next = into(spare);
      next.catch(() => undefined); // told where it is awaited
      yield buffer.subarray(0, bytesRead);
      spare = buffer;
    }
  } finally {
    await next.catch(() => undefined);
    await file.close();
  }
}

async function isZip(path: string): Promise<boolean> {
  if (/\.zip$/i.test(path)) return true;
  for await (const [p, k, a, b] of readPlainFile(path)) {
    return p === 0x50 && k === 0x4b && (a === 3 || a === 5) && b === a + 1;
  }
  return false;
}

async function onDisk<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? "";
    if (code === "ENOENT") {
      throw new NcfError("RATINGS_NOT_FOUND", `expected a folder, a zip or a file at ${path}, found nothing`, {
        cause,
      });
    }
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new NcfError("ARCHIVE_UNREADABLE", `expected to read ${path}, but: ${reason}`, { cause });
  }
}

function ratingsNotFound(path: string, files: readonly ArchiveFile[]): NcfError {
  const names = files.slice(0, 10).map((file) => basename(file.path));
  const found = names.length === 0 ? "no files" : names.join(", ") + (files.length > 10 ? ", …" : "");
  return new NcfError(
    "RATINGS_NOT_FOUND",
    `expected ${ratingsNames.join(", ")} or a single CSV file in ${path}, found ${found}; give the path of the ratings file itself`,
  );
}
