/** Folders that the command line names, as the stores want them. */
import path from "node:path";
import { FileObjectStore } from "../adapters/local/file-object-store.ts";
import { ParquetSampleStore } from "../adapters/parquet/parquet-sample-store.ts";
import { NcfError } from "../core/errors.ts";
import type { ObjectStore } from "../ports/object-store.ts";
import type { SampleFiles } from "../ports/sample-store.ts";

/** The store in the folder's parent and the folder's own name as prefix. */
export function asPrefix(folder: string): [store: ObjectStore, prefix: string] {
  const resolved = path.resolve(folder);
  if (path.basename(resolved) === "") {
    throw new NcfError("USAGE", `expected a folder below the root of the file system, found "${folder}"`);
  }
  return [new FileObjectStore(path.dirname(resolved)), path.basename(resolved)];
}

/** The sample that `ncf sample` or `ncf run` wrote to `folder`. @throws NcfError those of `SampleStore.read` */
export function readSample(folder: string): Promise<SampleFiles> {
  return new ParquetSampleStore(...asPrefix(folder)).read();
}
