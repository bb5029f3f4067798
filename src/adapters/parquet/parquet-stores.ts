export { ParquetDatasetStore } from "./parquet-dataset-store.ts";
export { ParquetSampleStore } from "./parquet-sample-store.ts";
