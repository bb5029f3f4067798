/**
 * The whole of AWS on this machine:
 *
 *   npm run local:up                    starts emulators of AWS and a broker: localstack.yml, by docker
 *   npm run local:deploy                deploys the stacks there
 *   npm run local:upload -- FILE        uploads ratings, which starts a training
 *   npm run local:down                  ends and forgets it all
 *
 * Each with `-- --no-docker`: without docker, by the scripts beside this one. Needs bash, Python 3.11, Java 17, Maven and curl.
 */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { NcfError } from "../src/core/errors.ts";
import type { Deployment } from "./local/deployment.ts";
import { clientSettings } from "./local/emulators.ts";
import { readState } from "./local/state.ts";
import * as withDocker from "./local/with-docker.ts";
import * as withoutDocker from "./local/without-docker.ts";

try {
  await main();
} catch (error) {
  console.error(error instanceof NcfError || isUsage(error) ? error.message : error);
  process.exitCode = 1;
}

async function main(): Promise<void> {
  const { values, positionals } = given();
  const [command, file] = positionals;
  const folder = path.resolve(values.folder);
  const place = values["no-docker"] ? withoutDocker : withDocker;
  const options = { folder, awsPort: Number(values["aws-port"]), kafkaPort: Number(values["kafka-port"]) };
  const context = Object.fromEntries(values.context.map((text) => text.split(/=(.*)/s, 2)));
  const flags = values["no-docker"] ? " -- --no-docker" : "";
  if (command === "up") {
    const { emulators, kafka } = await place.up(options);
    console.log(`AWS at ${emulators.endpoint}, Kafka at ${kafka}. Next: npm run local:deploy${flags}`);
  } else if (command === "deploy") tell(await place.deploy(folder, context));
  else if (command === "upload" && file !== undefined) await upload(folder, file);
  else if (command === "machines") await withoutDocker.runMachines(folder, stopped());
  else if (command === "down") await place.down(folder);
  else throw new NcfError("USAGE", `expected up, deploy, upload FILE or down, found "${positionals.join(" ")}"`);
}

/** An option that there is not, or without its value. */
function isUsage(error: unknown): error is Error {
  return error instanceof Error && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS");
}

function given() {
  return parseArgs({
    allowPositionals: true,
    options: {
      "no-docker": { type: "boolean", default: false },
      folder: { type: "string", default: fileURLToPath(new URL("../ncf-out/local", import.meta.url)) },
      "aws-port": { type: "string", default: "4566" },
      "kafka-port": { type: "string", default: "9092" },
      /** NAME=VALUE, as for the CDK. */
      context: { type: "string", multiple: true, default: [] },
    },
  });
}

function tell({ bucket, curlCommand }: Deployment): void {
  console.log(`Bucket ${bucket}. Next: npm run local:upload -- ratings.zip; then, once it is trained:`);
  console.log(`AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test bash -c '${curlCommand}'`);
}

async function upload(folder: string, file: string): Promise<void> {
  const { emulators, deployment } = await readState(folder);
  if (deployment === null) {
    throw new NcfError("LOCAL_DOWN", "expected a deployment, found none. Run: npm run local:deploy");
  }
  const s3 = new S3Client({ ...clientSettings(emulators.endpoint), forcePathStyle: true });
  const Key = `uploads/${path.basename(file)}`;
  await s3.send(new PutObjectCommand({ Bucket: deployment.bucket, Key, Body: await readFile(file) }));
  console.log(`s3://${deployment.bucket}/${Key}`);
}

function stopped(): AbortSignal {
  const stop = new AbortController();
  for (const name of ["SIGTERM", "SIGINT"] as const) process.on(name, () => stop.abort());
  return stop.signal;
}
