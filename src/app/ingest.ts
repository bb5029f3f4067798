/** Reads a ratings source whole and stores it as a data set. */
import type { ValidationReport } from "../core/ratings.ts";
import type { DatasetStore } from "../ports/dataset-store.ts";
import type { Progress } from "../ports/progress.ts";
import type { RatingsSource, ReadRatingsOptions } from "../ports/ratings-source.ts";

export interface IngestRequest {
  readonly name: string;
  readonly path: string;
  readonly generated: boolean;
  readonly read: ReadRatingsOptions;
}

/** @throws NcfError of the source and the store */
export async function ingest(
  deps: { readonly source: RatingsSource; readonly datasets: DatasetStore; readonly progress: Progress },
  { name, path, generated, read }: IngestRequest,
): Promise<ValidationReport> {
  const task = deps.progress.start(`Reading ${name}`, undefined, "rows");
  const dataset = await deps.source.read(path, { ...read, onProgress: ({ rowsRead }) => task.update(rowsRead) });
  task.update(dataset.validation.rowsRead);
  task.end();
  await deps.datasets.write({ ...dataset, name, generated });
  return dataset.validation;
}
