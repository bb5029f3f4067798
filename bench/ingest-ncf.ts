/** One contender of bench/ingest.ts: the path that `ncf run` takes. Arguments: ratings.csv, output folder, threads. */
import { FileObjectStore } from "../src/adapters/local/file-object-store.ts";
import { localRatingsSource } from "../src/adapters/local/ratings-reader.ts";
import { ParquetSampleStore } from "../src/adapters/parquet/parquet-sample-store.ts";
import { splitDataset } from "../src/app/sample.ts";
import { peakRssBytes } from "../src/cli/machine.ts";
import { selectUsers } from "../src/core/user-sample.ts";
import type { SampleOptions } from "../src/ports/sample-store.ts";

const [, , csv, out, threads] = process.argv;
const options: SampleOptions = {
  fraction: 0.3,
  sampler: "hash",
  seed: 1,
  tieRule: "firstInFile",
  catalogue: "sample",
};
const cpuStart = process.cpuUsage();
const start = performance.now();
const dataset = await localRatingsSource.read(csv, {
  selectUsers: (userIds) => selectUsers(userIds, options),
  threads: Number(threads),
});
const everyone = new Uint8Array(dataset.ratings.userIds.length).fill(1);
const files = splitDataset({ ...dataset, name: "bench", generated: false }, everyone, options);
await new ParquetSampleStore(new FileObjectStore(out), "sample").write(files);
const seconds = (performance.now() - start) / 1000;
const { user, system } = process.cpuUsage(cpuStart);
console.log(
  JSON.stringify({
    seconds,
    cpuSeconds: (user + system) / 1e6,
    peakRssBytes: peakRssBytes(),
    rows: files.sample.train.items.length,
  }),
);
