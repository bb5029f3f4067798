/** `ncf train`, `ncf evaluate`, `ncf recommend`: work on a sample, one step at a time. */
import type { Command } from "commander";
import { Option } from "commander";
import { FileObjectStore } from "../../adapters/local/file-object-store.ts";
import { ParquetSampleStore } from "../../adapters/parquet/parquet-sample-store.ts";
import { recommendations } from "../../app/http-api/schemas.ts";
import { defaultJudgeOptions, judgeModels } from "../../app/judge.ts";
import { trainedItems } from "../../app/new-items.ts";
import { recommend } from "../../app/recommend.ts";
import { grouped } from "../../app/report/number-text.ts";
import { printable } from "../../app/report/printable.ts";
import { scoringParts } from "../../app/scoring-parts.ts";
import { readModel } from "../../app/stored-model.ts";
import { type TrainOutcome, trainAndStore } from "../../app/train-model.ts";
import { Popularity } from "../../baselines/popularity.ts";
import { NcfError } from "../../core/errors.ts";
import { type NcfConfig, presetNamed, presets } from "../../ncf/config.ts";
import { createScorer } from "../../ncf/wasm/scorer.ts";
import type { SampleFiles } from "../../ports/sample-store.ts";
import { askDeployment } from "../deployed-api.ts";
import { lockFolder } from "../folder-lock.ts";
import { asPrefix } from "../folders.ts";
import { type BackendName, backendNamed } from "../models.ts";
import * as options from "../options.ts";
import { PerUserFile } from "../per-user-file.ts";
import type { Terminal } from "../terminal.ts";

interface TrainValues {
  readonly preset: string;
  readonly epochs?: number;
  readonly seed: number;
  readonly threads: number;
  readonly backend: BackendName;
  readonly compactIds: boolean;
  readonly earlyStop?: number;
  readonly out: string;
  readonly resume: boolean;
  readonly json: boolean;
}

interface EvaluateValues {
  readonly model: string;
  readonly seed: number;
  readonly withReplacement: boolean;
  readonly fullCatalogueUsers: number;
  readonly perUser?: string;
  readonly json: boolean;
}

interface RecommendValues {
  readonly model?: string;
  readonly user: string;
  readonly k: number;
  readonly json: boolean;
}

export function addModelCommands(program: Command, terminal: Terminal): void {
  program
    .command("train")
    .description("Train a preset on a sample.")
    .argument("<dir>", "folder that `ncf sample` or `ncf run` wrote (its sample/)")
    .addOption(new Option("--preset <name>", "model to train").choices(Object.keys(presets)).makeOptionMandatory())
    .requiredOption("--out <dir>", "folder for the model and its checkpoint")
    .addOption(new Option("--epochs <n>", "epochs (default: the preset's own)").argParser(options.integer(1, 10_000)))
    .addOption(options.seedOption())
    .addOption(options.threadsOption())
    .addOption(options.backendOption())
    .option("--compact-ids", "one embedding row a user or item of the sample, whatever the preset says", false)
    .addOption(
      new Option(
        "--early-stop <epochs>",
        "hold out each user's latest training rating and stop after so many epochs without a better HR@10 on it",
      ).argParser(options.integer(1, 1000)),
    )
    .option("--resume", "go on from the checkpoint in --out", false)
    .addOption(options.jsonOption())
    .action((dir: string, values: TrainValues) => train(dir, values, terminal));

  program
    .command("evaluate")
    .description("Judge a model against popularity on a sample.")
    .argument("<dir>", "folder of the sample")
    .requiredOption("--model <dir>", "folder that `ncf train` wrote")
    .addOption(options.seedOption())
    .option("--with-replacement", "draw evaluation candidates with replacement", false)
    .addOption(options.fullCatalogueUsersOption())
    .option("--per-user <file>", "write each user's candidates and scores as JSON lines")
    .addOption(options.jsonOption())
    .action((dir: string, values: EvaluateValues) => evaluate(dir, values, terminal));

  program
    .command("recommend")
    .description("List the items that a user would like best among those not yet rated.")
    .argument("[dir]", "folder of the sample, which knows what was seen; none with --stack")
    .option("--model <dir>", "folder that `ncf train` wrote; none with --stack")
    .requiredOption("--user <id>", "user id as in the source")
    .addOption(new Option("-k <n>", "how many items").argParser(options.integer(1, 10_000)).default(10))
    .addOption(options.jsonOption())
    .action(async (dir: string | undefined, values: RecommendValues) => {
      const { stack } = program.opts<{ readonly stack?: string }>();
      terminal.useJson(values.json);
      const list = await (stack === undefined
        ? recommendedBySample(dir, values)
        : recommendedByStack(stack, dir, values));
      terminal.answer({ userId: values.user, recommendations: list }, list.map(recommendationLine).join("\n"));
    });
}

function readSample(dir: string): Promise<SampleFiles> {
  return new ParquetSampleStore(...asPrefix(dir)).read();
}

async function train(dir: string, values: TrainValues, terminal: Terminal): Promise<void> {
  terminal.useJson(values.json);
  terminal.goesOnBy("the same command with --resume goes on from here");
  const { sample, manifest } = await readSample(dir);
  const preset = presetNamed(values.preset);
  const config: NcfConfig = {
    ...preset,
    epochs: values.epochs ?? preset.epochs,
    ids: values.compactIds ? "compact" : preset.ids,
  };
  const unlock = lockFolder(values.out);
  const outcome = await trainAndStore(
    {
      backend: backendNamed(values.backend),
      createScorer,
      store: new FileObjectStore(values.out),
      progress: terminal.progress,
      monotonicMs: () => performance.now(),
      log: terminal.log,
    },
    {
      name: values.preset,
      config,
      sample,
      sampleSha256: manifest.sha256,
      seed: values.seed,
      threads: values.threads,
      patience: values.earlyStop ?? null,
      prefix: "",
      existing: values.resume ? "resume" : "discard",
      signal: terminal.signal,
    },
  ).finally(unlock);
  terminal.answer({ ...outcome.record, out: values.out }, trainText(outcome, values.out));
}

function trainText({ record, sha256 }: TrainOutcome, out: string): string {
  const validation = record.validation.map((hr) => hr.toFixed(3)).join(" ");
  return [
    `${record.preset}: ${record.epochs} epochs, ${grouped(Math.round(record.samples))} samples in ` +
      `${record.seconds.toFixed(1)} s (${grouped(Math.round(record.samplesPerSecond))} a second), ` +
      `loss ${record.curve.at(-1)?.loss.toFixed(4) ?? "?"}`,
    ...(validation === "" ? [] : [`Validation HR@10 by epoch: ${validation}`]),
    `Model: ${out}/model.safetensors (sha256 ${sha256.slice(0, 16)}…)`,
  ].join("\n");
}

async function evaluate(dir: string, values: EvaluateValues, terminal: Terminal): Promise<void> {
  terminal.useJson(values.json);
  const files = await readSample(dir);
  const { sample } = files;
  const { model } = await readModel(new FileObjectStore(values.model), files);
  const perUser = values.perUser === undefined ? null : new PerUserFile(values.perUser);
  try {
    const judged = await judgeModels(
      [createScorer(model), new Popularity(sample)],
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
        ...(perUser && { onCase: (ranked) => perUser.add(ranked, sample) }),
      },
    );
    perUser?.finish();
    const [comparison] = judged.comparisons;
    const lines = judged.judgements.map(
      ({ name, hrAt10, hrAt10Interval: [low, high], ndcgAt10, cases }) =>
        `${name}: HR@10 ${hrAt10.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}], ` +
        `NDCG@10 ${ndcgAt10.toFixed(3)}, ${grouped(cases)} users`,
    );
    lines.push(`difference ${comparison.difference.toFixed(3)}, p = ${comparison.pValue.toFixed(4)}`);
    terminal.answer(judged, lines.join("\n"));
  } finally {
    perUser?.discard();
  }
}

async function recommendedBySample(dir: string | undefined, { model: folder, user, k }: RecommendValues) {
  if (dir === undefined || folder === undefined) {
    throw new NcfError("USAGE", "expected a sample's folder and --model DIR, or ncf --stack NAME recommend --user ID");
  }
  const files = await readSample(dir);
  const { model } = await readModel(new FileObjectStore(folder), files);
  return recommend(files, scoringParts(createScorer, model, trainedItems(files.sample), files.items), user, k);
}

async function recommendedByStack(stack: string, dir: string | undefined, { model, user, k }: RecommendValues) {
  if (dir !== undefined || model !== undefined) {
    throw new NcfError("USAGE", "expected --stack, or a sample's folder and --model, found both. Leave one out");
  }
  const answer = await askDeployment(stack, `/users/${encodeURIComponent(user)}/recommendations?k=${k}`);
  return recommendations.parse(answer).items;
}

interface Recommended {
  readonly itemId: string;
  readonly title?: string | null | undefined;
  readonly genres: readonly string[];
  readonly score: number;
}

function recommendationLine({ itemId, title, genres, score }: Recommended, i: number): string {
  const name = printable(title ?? `item ${itemId}`);
  const kinds = genres.length > 0 ? ` (${printable(genres.join(", "))})` : "";
  return `${String(i + 1).padStart(3)}. ${name}${kinds}  ${score.toFixed(2)}`;
}
