import { tmpdir } from "node:os";
import { localRatingsSource } from "../../src/adapters/local/ratings-reader.ts";
import { SpooledUploads } from "../../src/adapters/local/spooled-uploads.ts";
import { ParquetDatasetStore } from "../../src/adapters/parquet/parquet-dataset-store.ts";
import { bucketStore } from "../aws-clients.ts";
import { environment } from "../environment.ts";
import { createHandler } from "../ingest.ts";
import { observer } from "../observability.ts";

const { NCF_BUCKET: bucket, NCF_MAX_UPLOAD_BYTES: maxBytes } = environment(["NCF_BUCKET", "NCF_MAX_UPLOAD_BYTES"]);
const store = bucketStore(bucket);

export const handler = createHandler({
  store,
  uploads: new SpooledUploads(store, tmpdir()),
  source: localRatingsSource,
  datasetsAt: (prefix) => new ParquetDatasetStore(store, prefix, "content"),
  maxBytes,
  observer: observer(),
});
