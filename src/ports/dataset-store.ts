/** Where a data set lies after `ncf ingest`. */
import type { Dataset } from "../core/ratings.ts";

export interface StoredDataset extends Dataset {
  /** Such as "ml-latest-small". */
  readonly name: string;
  readonly generated: boolean;
}

export interface DatasetStore {
  write(dataset: StoredDataset): Promise<void>;
  /** @throws NcfError `DATASET_NOT_FOUND`, `FILE_DAMAGED`, `FILE_FOREIGN` or `FILE_VERSION` */
  read(): Promise<StoredDataset>;
}
