/** `ncf evaluate`: a model against popularity on a sample. */
import type { Command } from "commander";
import { FileObjectStore } from "../../adapters/local/file-object-store.ts";
import { defaultJudgeOptions, judgeModels } from "../../app/judge.ts";
import { grouped } from "../../app/report/number-text.ts";
import { readModel } from "../../app/stored-model.ts";
import { Popularity } from "../../baselines/popularity.ts";
import { createScorer } from "../../ncf/wasm/scorer.ts";
import { readSample } from "../folders.ts";
import * as options from "../options.ts";
import { PerUserFile } from "../per-user-file.ts";
import type { Terminal } from "../terminal.ts";

interface EvaluateValues {
  readonly model: string;
  readonly seed: number;
  readonly withReplacement: boolean;
  readonly fullCatalogueUsers: number;
  readonly perUser?: string;
  readonly json: boolean;
}

export function addEvaluateCommand(program: Command, terminal: Terminal): void {
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
