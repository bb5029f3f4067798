/**
 * The Lambda `ingest` on a file of ML-20M's size (20,000,263 rows): from S3's event to the data set in S3, its time and the peak of its
 * memory.
 *
 *   NCF_AWS_ENDPOINT=http://127.0.0.1:4566 npx tsx bench/ingest-lambda.ts [ratings.csv]
 *
 * scripts/start-aws.sh starts an S3 on this machine. Without a path, the file is written first. The same upload comes a second time in a
 * process of its own, which should know it.
 */
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { createReadStream, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { S3ObjectStore } from "../src/adapters/aws/s3-object-store.ts";
import { writeRatings } from "./ingest-data.ts";
import { lambdaBundle } from "./lambda-bundle.ts";
import { grouped, machineLine } from "./measurement.ts";

const endpoint = process.env.NCF_AWS_ENDPOINT;
if (endpoint === undefined) throw new Error("expected NCF_AWS_ENDPOINT, such as http://127.0.0.1:4566, found nothing");
const aws = {
  AWS_ENDPOINT_URL: endpoint,
  AWS_REGION: "us-east-1",
  AWS_ACCESS_KEY_ID: "bench",
  AWS_SECRET_ACCESS_KEY: "bench",
};
Object.assign(process.env, aws);
const { positionals } = parseArgs({ allowPositionals: true });
const folder = mkdtempSync(path.join(tmpdir(), "ncf-bench-"));
const bucket = `ingest-lambda-${randomUUID().slice(0, 8)}`;
const client = new S3Client({ forcePathStyle: true });
const store = new S3ObjectStore({ client, bucket });
const bundle = await lambdaBundle("ingest", folder);
try {
  const csv = positionals[0] ?? path.join(folder, "ratings.csv");
  if (positionals[0] === undefined) writeRatings(csv);
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  await store.put("uploads/ratings.csv", createReadStream(csv, { highWaterMark: 8 * 1024 * 1024 }));
  console.log(machineLine());
  console.log(`${csv}: ${grouped(statSync(csv).size / 1e6)} MB`);
  console.log(`first:  ${await ingest()}`);
  console.log(`second: ${await ingest()}`);
} finally {
  for (const key of await store.list("").catch(() => [])) await store.delete(key);
  rmSync(folder, { recursive: true });
}

async function ingest(): Promise<string> {
  const child = fileURLToPath(new URL("ingest-lambda-process.mjs", import.meta.url));
  const settings = { NCF_BUCKET: bucket, NCF_MAX_UPLOAD_BYTES: String(2 ** 31) };
  const names = { POWERTOOLS_SERVICE_NAME: "ingest", POWERTOOLS_METRICS_NAMESPACE: "bench" };
  const env = { PATH: process.env.PATH, ...aws, ...settings, ...names };
  const { stdout } = await promisify(execFile)(process.execPath, [child, bundle], { env });
  const { seconds, cpuSeconds, peakBytes } = JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
  const [, event] = /"event":"(\w+)"/.exec(stdout) ?? [];
  return `${event} after ${seconds.toFixed(1)} s (processor time ${cpuSeconds.toFixed(1)} s), peak memory ${grouped(peakBytes / 1e6)} MB`;
}
