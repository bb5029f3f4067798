import { ParquetDatasetStore } from "../../src/adapters/parquet/parquet-dataset-store.ts";
import { ParquetSampleStore } from "../../src/adapters/parquet/parquet-sample-store.ts";
import { bucketStore, queueAt } from "../aws-clients.ts";
import { environment } from "../environment.ts";
import { observer } from "../observability.ts";
import { createHandler } from "../sample.ts";

const settings = environment(["NCF_BUCKET", "NCF_TRAINING_REQUESTS_URL", "NCF_SAMPLE_OPTIONS"]);
const store = bucketStore(settings.NCF_BUCKET);

export const handler = createHandler({
  store,
  datasetsAt: (prefix) => new ParquetDatasetStore(store, prefix, "content"),
  samplesAt: (prefix) => new ParquetSampleStore(store, prefix, "content"),
  requests: queueAt(settings.NCF_TRAINING_REQUESTS_URL),
  options: settings.NCF_SAMPLE_OPTIONS,
  observer: observer(),
});
