/**
 * How long `ncf recommend --all` takes at the shape of ML-20M, 138,493 users and 27,278 movies, from its start to the table:
 * the command itself in a process of its own, on files with random models of the presets' shapes and compact ids.
 *
 *   npx tsx bench/recommend-all.ts [--users 138493] [--presets mf,neumf] [--threads 2] [-k 10]
 *
 * Fewer users give a slice of it: the time without start and end is in proportion to them.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { FileObjectStore } from "../src/adapters/local/file-object-store.ts";
import { ParquetSampleStore } from "../src/adapters/parquet/parquet-sample-store.ts";
import { sampleHash } from "../src/app/sample.ts";
import type { Sample } from "../src/core/sample.ts";
import { encodeModel } from "../src/ncf/checkpoint.ts";
import type { PresetName } from "../src/ncf/config.ts";
import { grouped, machineLine } from "./measurement.ts";
import { compactConfig, presetNames, randomSample, randomTensors, titles } from "./scoring-models.ts";

const { values } = parseArgs({
  options: {
    users: { type: "string", default: "138493" },
    presets: { type: "string", default: "mf,neumf" },
    threads: { type: "string", default: String(availableParallelism()) },
    k: { type: "string", default: "10", short: "k" },
  },
});
const users = Number(values.users);
const movies = 27_278;
/** ML-20M's mean, less the held-out one. */
const perUser = 143;

const bin = fileURLToPath(new URL("../bin/ncf.mjs", import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), "bench-recommend-all-"));
try {
  console.log(machineLine());
  const sample = randomSample(users, movies, perUser);
  await writeSample(sample);
  for (const preset of values.presets.split(",").filter((name) => presetNames.includes(name as PresetName))) {
    await writeModel(preset as PresetName, sample);
    const out = path.join(folder, `${preset}.parquet`);
    const args = [path.join(folder, "sample"), "--model", path.join(folder, preset), "--all", "--out", out];
    const ended = spawnSync(
      process.execPath,
      [bin, "recommend", ...args, "-k", values.k, "--threads", values.threads, "--json"],
      { stdio: ["ignore", "pipe", "inherit"], encoding: "utf8" },
    );
    if (ended.status !== 0) throw new Error(`ncf recommend --all ended with ${ended.status}`);
    const { seconds, processorSeconds } = JSON.parse(ended.stdout);
    console.log(
      `${preset.padEnd(12)} ${grouped(users)} users x ${grouped(movies)} movies, ${values.threads} threads: ` +
        `${seconds.toFixed(1)} s (${grouped(users / seconds)} users/s), ${processorSeconds.toFixed(1)} s of processor time, ` +
        `${((1000 * processorSeconds) / users).toFixed(2)} ms a user, ${grouped(statSync(out).size)} bytes`,
    );
  }
} finally {
  rmSync(folder, { recursive: true });
}

async function writeSample(sample: Sample): Promise<void> {
  await new ParquetSampleStore(new FileObjectStore(folder), "sample").write({
    sample,
    items: titles(sample),
    manifest: {
      dataset: "random",
      generated: true,
      ratingsSha256: "",
      options: { fraction: 1, sampler: "hash", seed: 1, tieRule: "firstInFile", catalogue: "sample" },
      counts: {
        ratings: users * (perUser + 1),
        repeatedPairs: 0,
        testedUsers: users,
        singletonUsers: 0,
        tiedUsers: 0,
        coldTestItems: 0,
        users,
        items: movies,
      },
      sha256: sampleHash(sample),
    },
  });
}

async function writeModel(preset: PresetName, sample: Sample): Promise<void> {
  const config = compactConfig(preset);
  const description = {
    name: preset,
    config,
    seed: 1,
    backend: "wasm",
    arithmetic: "any",
    epochs: 0,
    sample: sampleHash(sample),
    data: "",
  };
  const tensors = randomTensors(config, users, movies);
  const bytes = encodeModel({ description, tensors, userIds: sample.userIds, itemIds: sample.itemIds });
  await new FileObjectStore(path.join(folder, preset)).put("model.safetensors", bytes);
}
