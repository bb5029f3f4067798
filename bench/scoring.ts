/**
 * How fast answers come: the best 10 of ML-20M's 27,278 items for one user, on one thread; from a model file to the first
 * answer; a fold-in; requests a second of the HTTP server.
 *
 *   NCF_ONNXRUNTIME=DIR npx tsx bench/scoring.ts [--rounds 400] [--starts 7] [--seconds 3] [--parts top10,first,fold-in,http]
 *
 * DIR is a folder with node_modules/onnxruntime-node, the rival in scoring; without it the other figures are printed:
 *
 *   npm install --prefix DIR onnxruntime-node@1.30 --ignore-scripts
 *
 * Models are random ones of the presets' shapes with compact ids, except for HTTP, where `ncf` itself trains an epoch on
 * generated data of the shape of ml-latest-small and serves it from a process of its own. Contenders take turns.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { RecommendationService } from "../src/app/serving/recommendation-service.ts";
import { RecordedInteractions } from "../src/app/serving/recorded-interactions.ts";
import { encodeModel } from "../src/ncf/checkpoint.ts";
import { createFoldIn, defaultFoldInOptions } from "../src/ncf/fold-in.ts";
import { embeddingRows, type TrainedModel } from "../src/ncf/model.ts";
import { createScorer } from "../src/ncf/wasm/scorer.ts";
import { grouped, machineLine, median } from "./measurement.ts";
import { ServedProcess, trainOnGenerated } from "./scoring-http.ts";
import { compactConfig, presetNames, randomSample, randomTensors, servedModel, titles } from "./scoring-models.ts";
import { howToGetOnnx, onnxContenders } from "./scoring-onnx.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "400" },
    starts: { type: "string", default: "7" },
    seconds: { type: "string", default: "3" },
    parts: { type: "string", default: "top10,first,fold-in,http" },
  },
});
const users = 2000;
const items = 27_278;
/** ML-20M's mean. */
const perUser = 144;
const connectionCounts = [1, 16, 64];
const httpRounds = 3;

interface Contender {
  readonly name: string;
  run(user: number): unknown;
  readonly ms: number[];
  /** Of the whole process, which other programs on the machine disturb less. */
  readonly processorMs: number[];
}

const parts: Readonly<Record<string, (folder: string) => Promise<void>>> = {
  top10: topTen,
  first: firstAnswers,
  "fold-in": foldIns,
  http,
};
console.log(machineLine());
const folder = mkdtempSync(path.join(tmpdir(), "bench-scoring-"));
try {
  for (const part of values.parts.split(",")) {
    if (!Object.hasOwn(parts, part)) throw new Error(`expected parts of ${Object.keys(parts)}, found ${part}`);
    await parts[part](folder);
  }
} finally {
  rmSync(folder, { recursive: true });
}

async function topTen(): Promise<void> {
  const sample = randomSample(users, items, perUser);
  const details = titles(sample);
  const everything = Int32Array.from(sample.itemIds.keys());
  const scores = new Float64Array(items);
  const contenders: Contender[] = [];
  let onnxSaid = `onnxruntime-node: not measured. To see it: ${howToGetOnnx}`;
  for (const preset of presetNames) {
    const config = compactConfig(preset);
    const tensors = randomTensors(config, users, items);
    const trained: TrainedModel = { name: preset, config, tensors, ...embeddingRows(config, sample) };
    const scorer = createScorer(trained);
    const model = servedModel(preset, config, tensors, sample, details);
    const service = new RecommendationService(model, new RecordedInteractions());
    contenders.push(
      {
        name: `${preset}: recommend`,
        run: (user) => service.recommend({ userId: String(user + 1), k: 10 }),
        ms: [],
        processorMs: [],
      },
      {
        name: `${preset}: all scores`,
        run: (user) => scorer.score(user, everything, scores),
        ms: [],
        processorMs: [],
      },
    );
    const onnxFolder = process.env.NCF_ONNXRUNTIME;
    if (preset !== "paper" || onnxFolder === undefined) continue;
    let greatest = 0;
    for (const { name, score } of await onnxContenders(onnxFolder, trained)) {
      contenders.push({ name: `paper: all scores, ${name}`, run: score, ms: [], processorMs: [] });
      const found = await score(7);
      scorer.score(7, everything, scores);
      greatest = found.reduce((most, logit, item) => Math.max(most, Math.abs(logit - scores[item])), greatest);
    }
    if (!(greatest < 1e-4))
      throw new Error(`expected onnxruntime's logits to be ours, found a difference of ${greatest}`);
    onnxSaid = `onnxruntime-node: one thread, the same network with batch norm folded; logits differ by at most ${greatest.toExponential(0)}`;
  }
  const warmUp = 20;
  for (let round = 0; round < warmUp + Number(values.rounds); round++) {
    for (const { run, ms, processorMs } of contenders) {
      const used = process.cpuUsage();
      const started = performance.now();
      await run((round * 37) % users);
      const elapsed = performance.now() - started;
      const { user, system } = process.cpuUsage(used);
      if (round < warmUp) continue;
      ms.push(elapsed);
      processorMs.push((user + system) / 1000);
    }
  }
  console.log(`\nbest 10 of ${grouped(items)} items for one user, one thread, ${values.rounds} rounds; ms`);
  console.log(
    `${"".padEnd(62)}    by the clock  processor time\n${"contender".padEnd(62)}     p50     p99     p50     p99`,
  );
  for (const { name, ms, processorMs } of contenders) {
    const columns = [ms, processorMs].flatMap((all) => [column(all, 0.5), column(all, 0.99)]);
    console.log(`${name.padEnd(62)}${columns.join("")}`);
  }
  console.log("recommend: the user's history looked up, unseen items scored, the best 10 picked and named");
  console.log(onnxSaid);
}

async function firstAnswers(folder: string): Promise<void> {
  const stages = ["decodeMs", "scorerMs", "answerMs", "serviceMs"] as const;
  type Laps = Readonly<Record<(typeof stages)[number], number>>;
  const sample = randomSample(users, items, perUser);
  const { userIds, itemIds } = sample;
  const contenders = presetNames.map((preset) => {
    const config = compactConfig(preset);
    const description = { name: preset, config, seed: 1, backend: "", arithmetic: "", epochs: 0, sample: "", data: "" };
    const bytes = encodeModel({ description, tensors: randomTensors(config, users, items), userIds, itemIds });
    const file = path.join(folder, `${preset}.safetensors`);
    writeFileSync(file, bytes);
    return { preset, file, megabytes: bytes.length / 1e6, laps: [] as Laps[] };
  });
  const script = fileURLToPath(new URL("scoring-first-answer.ts", import.meta.url));
  for (let start = 0; start < Number(values.starts); start++) {
    for (const { file, laps } of contenders) {
      const args = [...process.execArgv, script, file, String(users), String(items), String(perUser)];
      const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: "utf8" });
      if (status !== 0) throw new Error(stderr);
      laps.push(JSON.parse(stdout));
    }
  }
  console.log(`\nfrom a model file to the first answer, ${values.starts} fresh processes each; median ms`);
  console.log(`${"model".padEnd(22)} read, decode  set up  recommend   total   best total   catalogue`);
  for (const { preset, megabytes, laps } of contenders) {
    const totals = laps.map(({ decodeMs, scorerMs, answerMs }) => decodeMs + scorerMs + answerMs);
    const [decode, scorer, answer, service] = stages.map((stage) => median(laps.map((lap) => lap[stage])).toFixed(0));
    console.log(
      `${`${preset} (${megabytes.toFixed(1)} MB)`.padEnd(22)} ${decode.padStart(12)} ${scorer.padStart(7)} ${answer.padStart(10)} ` +
        `${median(totals).toFixed(0).padStart(7)} ${Math.min(...totals)
          .toFixed(0)
          .padStart(12)} ${service.padStart(11)}`,
    );
  }
  console.log(
    `${grouped(users)} users, ${grouped(items)} items. Not in the total: the program's modules, the sample, and the`,
  );
  console.log("catalogue of titles, which is made of the sample. Set up: scorer and profile of attributes");
}

async function foldIns(): Promise<void> {
  const contenders = presetNames.map((preset) => {
    const config = compactConfig(preset);
    const sample = randomSample(users, items, 1);
    const tensors = randomTensors(config, users, items);
    const foldIn = createFoldIn({ name: preset, config, tensors, ...embeddingRows(config, sample) });
    const started = performance.now();
    foldIn.prepare();
    const preparedMs = performance.now() - started;
    const run = (turn: number) =>
      foldIn.row(Int32Array.from({ length: defaultFoldInOptions.window }, (_, i) => (turn * 31 + i * 17) % items));
    return { name: preset, preparedMs, run, ms: [] as number[] };
  });
  const rounds = 2000;
  for (let round = 0; round < rounds; round++) {
    for (const { run, ms } of contenders) {
      const started = performance.now();
      run(round);
      if (round >= rounds / 4) ms.push(performance.now() - started);
    }
  }
  console.log(
    `\nfold-in of ${defaultFoldInOptions.window} items; ms\nmodel           p50     p99   once a model, ahead or with the first`,
  );
  for (const { name, ms, preparedMs } of contenders) {
    console.log(`${name.padEnd(10)}${column(ms, 0.5)}${column(ms, 0.99)} ${preparedMs.toFixed(0).padStart(7)}`);
  }
}

async function http(folder: string): Promise<void> {
  const served = ["neumf", "paper"];
  trainOnGenerated(folder, served);
  for (const preset of served) {
    const server = await ServedProcess.start(folder, preset);
    try {
      const loads = connectionCounts.map((connections) => ({
        connections,
        requestsPerSecond: [] as number[],
        latenciesMs: [] as number[],
      }));
      await server.load(connectionCounts[1], 1);
      for (let round = 0; round < httpRounds; round++) {
        for (const { connections, requestsPerSecond, latenciesMs } of loads) {
          const load = await server.load(connections, Number(values.seconds));
          requestsPerSecond.push(load.requestsPerSecond);
          latenciesMs.push(...load.latenciesMs);
        }
      }
      console.log(
        `\nncf serve, ${preset}, ${grouped(server.items)} items, GET /users/{id}/recommendations?k=10, the load beside it`,
      );
      console.log("connections   requests/s   p50 ms   p99 ms");
      for (const { connections, requestsPerSecond, latenciesMs } of loads) {
        const rate = grouped(median(requestsPerSecond)).padStart(12);
        const [p50, p99] = [0.5, 0.99].map((p) => percentile(latenciesMs, p).toFixed(1).padStart(8));
        console.log(`${String(connections).padStart(11)} ${rate} ${p50} ${p99}`);
      }
    } finally {
      await server.close();
    }
  }
}

function column(ms: readonly number[], share: number): string {
  return percentile(ms, share).toFixed(2).padStart(8);
}

/** The least value that `share` of all values do not exceed. */
function percentile(all: readonly number[], share: number): number {
  const sorted = all.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}
