/** `ncf evaluate`: a model against popularity on a sample, or models on the NCF benchmark's files. */
import type { Command } from "commander";
import { Option } from "commander";
import { textLines } from "../../adapters/local/benchmark-files.ts";
import { FileObjectStore } from "../../adapters/local/file-object-store.ts";
import { MemoryObjectStore } from "../../adapters/local/memory-object-store.ts";
import type { LineSource } from "../../app/benchmark/benchmark-lines.ts";
import { benchmarkText } from "../../app/benchmark/benchmark-text.ts";
import { evaluateBenchmark } from "../../app/benchmark/evaluate-benchmark.ts";
import { recommenderOf } from "../../app/fitted-model.ts";
import { defaultJudgeOptions, judgeModels } from "../../app/judge.ts";
import { checkModelNames } from "../../app/model-names.ts";
import { grouped } from "../../app/report/number-text.ts";
import { genresOf } from "../../app/sample.ts";
import { readModel } from "../../app/stored-model.ts";
import { popularityOf } from "../../baselines/popularity.ts";
import { NcfError } from "../../core/errors.ts";
import { createScorer } from "../../ncf/wasm/scorer.ts";
import { lockFolder } from "../folder-lock.ts";
import { readSample } from "../folders.ts";
import { type BackendName, backendNamed } from "../models.ts";
import * as options from "../options.ts";
import { PerUserFile } from "../per-user-file.ts";
import type { Terminal } from "../terminal.ts";

interface EvaluateValues {
  readonly model?: string;
  readonly train?: string;
  readonly test?: string;
  readonly candidates?: string;
  readonly models?: string[];
  readonly epochs?: number;
  readonly out?: string;
  readonly threads: number;
  readonly backend: BackendName;
  readonly seed: number;
  readonly withReplacement: boolean;
  readonly fullCatalogueUsers: number;
  readonly perUser?: string;
  readonly json: boolean;
}

export function addEvaluateCommand(program: Command, terminal: Terminal): void {
  program
    .command("evaluate")
    .description("Judge a model against popularity on a sample, or models on the NCF benchmark's files.")
    .argument("[dir]", "folder of the sample; none with --train")
    .option("--model <dir>", "folder that `ncf train` wrote; none with --train")
    .option("--train <file>", "*.train.rating: user, item, rating and time with tabs between, or user and item")
    .option("--test <file>", "*.test.rating: one test item a user, as --train")
    .option("--candidates <file>", "*.test.negative: (user,item), then the items that it is ranked among")
    .addOption(new Option("--models <names>", "presets and baselines to train on --train").argParser(options.names))
    .addOption(new Option("--epochs <n>", "epochs (default: the preset's own)").argParser(options.integer(1, 10_000)))
    .option("--out <dir>", "folder that keeps what --models trains, to go on from")
    .addOption(options.seedOption())
    .addOption(options.threadsOption())
    .addOption(options.backendOption())
    .option("--with-replacement", "draw evaluation candidates with replacement", false)
    .addOption(options.fullCatalogueUsersOption())
    .option("--per-user <file>", "write each user's candidates and scores as JSON lines")
    .addOption(options.jsonOption())
    .action((dir: string | undefined, values: EvaluateValues) => {
      terminal.useJson(values.json);
      const { model, train, test, candidates, models, withReplacement } = values;
      const ofBenchmark = [train, test, candidates, models, values.epochs, values.out];
      if (dir !== undefined && model !== undefined && ofBenchmark.every((value) => value === undefined)) {
        return evaluate(dir, { ...values, model }, terminal);
      }
      if (dir === undefined && model === undefined && !withReplacement && train && test && candidates && models) {
        return evaluateFiles({ ...values, train, test, candidates, models }, terminal);
      }
      throw new NcfError(
        "USAGE",
        "expected a sample's folder and --model DIR, or --train, --test, --candidates and --models together, which alone " +
          "take --epochs and --out, and whose candidates are not drawn",
      );
    });
}

async function evaluate(
  dir: string,
  values: EvaluateValues & { readonly model: string },
  terminal: Terminal,
): Promise<void> {
  const files = await readSample(dir);
  const { sample } = files;
  const { model } = await readModel(new FileObjectStore(values.model), files);
  const judgedModel = recommenderOf(createScorer, model, sample);
  const rival = popularityOf(sample);
  const perUser = values.perUser === undefined ? null : new PerUserFile(values.perUser);
  try {
    const judged = await judgeModels(
      judgedModel.name === rival.name ? [judgedModel] : [judgedModel, rival],
      sample,
      {
        ...defaultJudgeOptions,
        seed: values.seed,
        withReplacement: values.withReplacement,
        fullCatalogueUsers: values.fullCatalogueUsers,
      },
      {
        progress: terminal.progress,
        signal: terminal.signal,
        monotonicMs: () => performance.now(),
        ...(perUser && { onCase: (ranked) => perUser.add(ranked, sample) }),
      },
      { genres: genresOf(files) },
    );
    perUser?.finish();
    const lines = judged.judgements.map(
      ({ name, hrAt10, hrAt10Interval: [low, high], ndcgAt10, cases, fullCatalogue, corrected }) =>
        `${name}: HR@10 ${hrAt10.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}], ` +
        `NDCG@10 ${ndcgAt10.toFixed(3)}, ${grouped(cases)} users; over all items ` +
        `${fullCatalogue.hrAt10.toFixed(3)}, estimated ${corrected.hrAt10.toFixed(3)}`,
    );
    for (const { difference, pValue } of judged.comparisons) {
      lines.push(`difference ${difference.toFixed(3)}, p = ${pValue.toFixed(4)}`);
    }
    terminal.answer(judged, lines.join("\n"));
  } finally {
    perUser?.discard();
  }
}

type BenchmarkValues = EvaluateValues & Required<Pick<EvaluateValues, "train" | "test" | "candidates" | "models">>;

async function evaluateFiles(values: BenchmarkValues, terminal: Terminal): Promise<void> {
  checkModelNames(values.models);
  const { train, test, candidates, models, epochs, seed, threads, fullCatalogueUsers, out } = values;
  const source = (name: string): LineSource => ({ name, lines: textLines(name) });
  const perUser = values.perUser === undefined ? null : new PerUserFile(values.perUser);
  const unlock = out === undefined ? () => {} : lockFolder(out);
  try {
    const result = await evaluateBenchmark(
      {
        backend: backendNamed(values.backend),
        createScorer,
        store: out === undefined ? new MemoryObjectStore() : new FileObjectStore(out),
        progress: terminal.progress,
        monotonicMs: () => performance.now(),
        log: terminal.log,
      },
      {
        sources: { train: source(train), test: source(test), candidates: source(candidates) },
        models,
        changes: epochs === undefined ? {} : { epochs },
        judge: { fullCatalogueUsers },
        seed,
        threads,
        onCase: perUser?.add,
        signal: terminal.signal,
      },
    );
    perUser?.finish();
    terminal.answer(result, benchmarkText(result));
  } finally {
    perUser?.discard();
    unlock();
  }
}
