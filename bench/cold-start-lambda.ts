/**
 * The cold start of the Lambda `score`: from loading its bundle to its first answer, with a model of ML-20M's size (138,493 users,
 * 26,744 movies, 20 million interactions) in S3.
 *
 *   NCF_AWS_ENDPOINT=http://127.0.0.1:4566 npx tsx bench/cold-start-lambda.ts [--runs 7] [--presets paper,neumf,mf]
 *
 * Words given by --before come before each start's own, such as --before "chrt -f 50" on a machine that is busy with other things.
 * scripts/start-aws.sh starts an S3 on this machine. Each start is a process of its own; presets take turns.
 */
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { S3ObjectStore } from "../src/adapters/aws/s3-object-store.ts";
import { ObjectStoreRegistry } from "../src/adapters/registry/object-store-registry.ts";
import { publishModel } from "../src/app/published-model.ts";
import { undivided } from "../src/core/leave-one-out.ts";
import { encodeModel } from "../src/ncf/checkpoint.ts";
import type { PresetName } from "../src/ncf/config.ts";
import { facts } from "../test/conformance/model-cards.ts";
import { lambdaBundle } from "./lambda-bundle.ts";
import { machineLine, median } from "./measurement.ts";
import { compactConfig, randomSample, randomTensors, titles } from "./scoring-models.ts";

const [users, items, perUser] = [138_493, 26_744, 143];
const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "7" },
    before: { type: "string", default: "" },
    presets: { type: "string", default: "paper,neumf,mf" },
  },
});
const endpoint = process.env.NCF_AWS_ENDPOINT;
if (endpoint === undefined) throw new Error("expected NCF_AWS_ENDPOINT, such as http://127.0.0.1:4566, found nothing");
const aws = {
  AWS_ENDPOINT_URL: endpoint,
  AWS_REGION: "us-east-1",
  AWS_ACCESS_KEY_ID: "bench",
  AWS_SECRET_ACCESS_KEY: "bench",
};
Object.assign(process.env, aws);

interface Start {
  readonly loadMs: number;
  readonly firstMs: number;
  readonly nextMs: number;
  /** Of all threads, from loading to the first answer. */
  readonly startCpuMs: number;
}

const client = new S3Client({ forcePathStyle: true });
const buckets = new Map<PresetName, string>();
const sample = undivided(randomSample(users, items, perUser));
const details = titles(sample);
for (const preset of values.presets.split(",") as PresetName[]) {
  const bucket = `cold-start-${preset}-${randomUUID().slice(0, 8)}`;
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  const config = compactConfig(preset);
  const description = {
    name: preset,
    config,
    seed: 1,
    backend: "wasm",
    arithmetic: "any",
    epochs: 1,
    sample: "",
    data: "",
  };
  const tensors = randomTensors(config, users, items);
  const model = encodeModel({ description, tensors, userIds: sample.userIds, itemIds: sample.itemIds });
  const registry = new ObjectStoreRegistry(new S3ObjectStore({ client, bucket }));
  const { cutOff: _, ...card } = facts;
  const { version } = await publishModel(registry, { model, sample, items: details, card, metrics: {} });
  await registry.promote(version);
  buckets.set(preset, bucket);
  console.log(`${preset}: model of ${(model.length / 1e6).toFixed(1)} MB is published`);
}

const folder = mkdtempSync(path.join(tmpdir(), "ncf-bench-"));
const bundle = await lambdaBundle("score", folder);
console.log(machineLine());
const starts = new Map<PresetName, Start[]>([...buckets.keys()].map((preset) => [preset, []]));
for (let run = 0; run < Number(values.runs); run++) {
  for (const [preset, bucket] of buckets) starts.get(preset)?.push(await start(bucket));
}
for (const [preset, all] of starts) {
  const line = (name: string, of: (start: Start) => number): string =>
    `${name} ${median(all.map(of)).toFixed(0)} ms (least ${Math.min(...all.map(of)).toFixed(0)})`;
  console.log(
    `${preset.padEnd(6)} ${line("module load to first answer", ({ loadMs, firstMs }) => loadMs + firstMs)}, of it ` +
      `${line("until the handler is there", ({ loadMs }) => loadMs)}; ${line("processor time", ({ startCpuMs }) => startCpuMs)}; ${line("the next answer", ({ nextMs }) => nextMs)}`,
  );
}
rmSync(folder, { recursive: true });
for (const bucket of buckets.values()) {
  const store = new S3ObjectStore({ client, bucket });
  for (const key of await store.list("")) await store.delete(key);
}

/** One cold start, in a process of its own. */
async function start(bucket: string): Promise<Start> {
  const child = fileURLToPath(new URL("cold-start-lambda-process.mjs", import.meta.url));
  const env = {
    PATH: process.env.PATH,
    ...aws,
    NCF_BUCKET: bucket,
    POWERTOOLS_SERVICE_NAME: "score",
    POWERTOOLS_METRICS_NAMESPACE: "bench",
  };
  const [command, ...args] = [...values.before.split(" "), process.execPath, child, bundle].filter(
    (word) => word !== "",
  );
  const { stdout } = await promisify(execFile)(command, args, { env });
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
}
