import { createHash } from "node:crypto";
import { NcfError } from "../../core/errors.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import { openParquet, type RowGroup } from "./parquet-reader.ts";
import { type ParquetColumn, parquetFile } from "./parquet-writer.ts";

/**
 * A folder of Parquet tables with a JSON manifest that holds their sizes and hashes. The manifest is removed first and
 * written last, so a folder with a manifest is whole.
 */

/**
 * What a folder is named after: a `place`, whose content may change, or the `content` itself. Whoever writes there writes the
 * same bytes, so a manifest that is there stays true, and readers never miss it.
 */
export type FolderNaming = "place" | "content";

const formatVersion = 1;

/** What a folder is, and how to name it in errors. */
export interface FolderKind {
  /** Such as "ncf-sample": written into the manifest. */
  readonly format: string;
  readonly manifestName: string;
  readonly notFoundCode: string;
  /** How to make such a folder, for errors. */
  readonly remedy: string;
}

export interface Table {
  /** Such as "train.parquet". */
  readonly name: string;
  readonly rows: number;
  readonly columns: readonly ParquetColumn[];
}

export interface TableFile {
  readonly sha256: string;
  readonly bytes: number;
  readonly rows: number;
}

export type Manifest<T> = T & { readonly files: Readonly<Record<string, TableFile>> };

/** Writes the tables, then the manifest with `content` and the tables' hashes. */
export async function writeTableFolder<T extends object>(
  store: ObjectStore,
  prefix: string,
  kind: FolderKind,
  content: T,
  tables: readonly Table[],
  naming: FolderNaming,
): Promise<Manifest<T>> {
  if (naming === "place") await store.delete(`${prefix}/${kind.manifestName}`);
  const files: Record<string, TableFile> = {};
  for (const { name, columns, rows } of tables) {
    const hash = createHash("sha256");
    const { size } = await store.put(`${prefix}/${name}`, hashed(parquetFile(columns, rows), hash));
    files[name] = { sha256: hash.digest("hex"), bytes: size, rows };
  }
  const manifest = { ...content, files };
  const text = JSON.stringify({ format: kind.format, formatVersion, ...manifest }, null, 2);
  await store.put(`${prefix}/${kind.manifestName}`, new TextEncoder().encode(`${text}\n`));
  return manifest;
}

async function* hashed(
  chunks: Iterable<Uint8Array>,
  hash: { update(bytes: Uint8Array): unknown },
): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
}

/** @throws NcfError the kind's not-found code, `FILE_DAMAGED`, `FILE_FOREIGN` or `FILE_VERSION` */
export async function readManifest<T extends object>(
  store: ObjectStore,
  prefix: string,
  kind: FolderKind,
): Promise<Manifest<T>> {
  const key = `${prefix}/${kind.manifestName}`;
  if ((await store.head(key)) === null) {
    throw new NcfError(kind.notFoundCode, `expected ${key}, found none, or one not finished; ${kind.remedy}`);
  }
  const text = new TextDecoder().decode(await store.get(key));
  let found: { format?: unknown; formatVersion?: unknown; files?: unknown };
  try {
    found = JSON.parse(text);
  } catch (cause) {
    throw damaged(key, "found no complete JSON", kind, cause);
  }
  if (typeof found !== "object" || found === null || found.format !== kind.format) {
    throw new NcfError(
      "FILE_FOREIGN",
      `${key}: expected a manifest of format ${kind.format}, found another; ${kind.remedy}`,
    );
  }
  if (found.formatVersion !== formatVersion) {
    throw new NcfError(
      "FILE_VERSION",
      `${key}: this program reads ${kind.format} version ${formatVersion}, found version ${found.formatVersion}. Use the program version that wrote it, or make it anew: ${kind.remedy}`,
    );
  }
  const { format: _format, formatVersion: _version, ...content } = found;
  if (typeof content.files !== "object" || content.files === null) throw damaged(key, "found no list of files", kind);
  return content as Manifest<T>;
}

/**
 * Gives a table's row groups in order and checks its size and hash on the way: a caller that gets to the end has read
 * what was written.
 *
 * @throws NcfError `FILE_DAMAGED`
 */
export async function* readTable(
  store: ObjectStore,
  prefix: string,
  kind: FolderKind,
  manifest: Manifest<object>,
  name: string,
): AsyncGenerator<RowGroup> {
  const key = `${prefix}/${name}`;
  const expected = manifest.files[name];
  if (expected === undefined) throw damaged(`${prefix}/${kind.manifestName}`, `found no entry for ${name}`, kind);
  const size = (await store.head(key))?.size;
  if (size === undefined) throw damaged(key, "found no such file", kind);
  if (size !== expected.bytes) throw damaged(key, `found ${size} bytes instead of ${expected.bytes}`, kind);
  const hash = createHash("sha256");
  try {
    const table = await openParquet(store, key, size);
    if (table.rows !== expected.rows) throw damaged(key, `found ${table.rows} rows, not ${expected.rows}`, kind);
    yield* table.rowGroups((bytes) => hash.update(bytes));
  } catch (cause) {
    throw cause instanceof NcfError ? cause : damaged(key, "found no readable Parquet", kind, cause);
  }
  if (hash.digest("hex") !== expected.sha256) throw damaged(key, "found other content than was written", kind);
}

function damaged(key: string, found: string, kind: FolderKind, cause?: unknown): NcfError {
  return new NcfError("FILE_DAMAGED", `${key}: expected a whole file, ${found}; ${kind.remedy}`, { cause });
}
