/** The way from an upload to a training request in memory, but for the file that is read. */
import { tmpdir } from "node:os";
import { MemoryJobQueue } from "../../../src/adapters/local/memory-job-queue.ts";
import { MemoryObjectStore } from "../../../src/adapters/local/memory-object-store.ts";
import { localRatingsSource } from "../../../src/adapters/local/ratings-reader.ts";
import { SpooledUploads } from "../../../src/adapters/local/spooled-uploads.ts";
import { ParquetDatasetStore } from "../../../src/adapters/parquet/parquet-dataset-store.ts";
import { ParquetSampleStore } from "../../../src/adapters/parquet/parquet-sample-store.ts";
import type { ObjectStore } from "../../../src/ports/object-store.ts";

export function uploadDeps<S extends ObjectStore>(store: S) {
  return {
    store,
    uploads: new SpooledUploads(store, tmpdir()),
    source: localRatingsSource,
    datasetsAt: (prefix: string) => new ParquetDatasetStore(store, prefix, "content"),
    samplesAt: (prefix: string) => new ParquetSampleStore(store, prefix, "content"),
    requests: new MemoryJobQueue({ maxReceives: 3 }),
  };
}

export const inMemory = () => uploadDeps(new MemoryObjectStore());

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Users 1 … `users` with the movies 1 … 5 each. */
export function ratingsCsv(users: number): string {
  const rows = Array.from({ length: 5 * users }, (_, i) => `${1 + Math.floor(i / 5)},${1 + (i % 5)},4,${1e9 + i}`);
  return `userId,movieId,rating,timestamp\n${rows.join("\n")}\n`;
}
