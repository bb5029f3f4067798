/** `ncf tune`: searches a model's settings on the validation split. */
import { readFileSync } from "node:fs";
import path from "node:path";
import type { Command } from "commander";
import { Option } from "commander";
import { FileObjectStore } from "../../adapters/local/file-object-store.ts";
import { contentOfAll } from "../../app/new-items.ts";
import { baselineTunable } from "../../app/tuning/baseline-tunable.ts";
import { baselineSpace, defaultSpace } from "../../app/tuning/default-spaces.ts";
import { ncfTunable } from "../../app/tuning/ncf-tunable.ts";
import { parseSearchSpace, type SearchSpace } from "../../app/tuning/search-space.ts";
import { type Tunable, tune } from "../../app/tuning/tune.ts";
import { trialsTable } from "../../app/tuning/tuning-text.ts";
import { type Metric, metrics, ValidationSplit } from "../../app/tuning/validation-score.ts";
import { baselineKindNamed, baselineNames } from "../../baselines/kinds.ts";
import { NcfError } from "../../core/errors.ts";
import { presetNamed, presets } from "../../ncf/config.ts";
import { createScorer } from "../../ncf/wasm/scorer.ts";
import type { SampleFiles } from "../../ports/sample-store.ts";
import { lockFolder } from "../folder-lock.ts";
import { readSample } from "../folders.ts";
import { type BackendName, backendNamed } from "../models.ts";
import * as options from "../options.ts";
import type { Terminal } from "../terminal.ts";

interface TuneValues {
  readonly model: string;
  readonly out: string;
  readonly trials: number;
  readonly epochs?: number;
  readonly space?: string;
  readonly metric: Metric;
  readonly candidateDraws: number;
  readonly seed: number;
  readonly threads: number;
  readonly backend: BackendName;
  readonly compactIds: boolean;
  readonly json: boolean;
}

export function addTuneCommand(program: Command, terminal: Terminal): void {
  program
    .command("tune")
    .description("Search a model's settings on held-out training ratings; the test items are never looked at.")
    .argument("<dir>", "folder that `ncf sample` or `ncf run` wrote (its sample/)")
    .addOption(
      new Option("--model <name>", "preset or baseline to tune")
        .choices([...Object.keys(presets), ...baselineNames])
        .makeOptionMandatory(),
    )
    .requiredOption("--out <dir>", "folder for the trials and tuned.json; the same command goes on from there")
    .addOption(
      new Option("--trials <n>", "settings to try, the model's own among them")
        .argParser(options.integer(1, 10_000))
        .default(27),
    )
    .addOption(
      new Option("--epochs <n>", "the most epochs of a trial (default: twice the preset's)").argParser(
        options.integer(1, 10_000),
      ),
    )
    .option("--space <file>", "JSON: setting → list of values, or { from, to, scale, multipleOf } (docs/tuning.md)")
    .addOption(new Option("--metric <name>", "what is to be high").choices([...metrics]).default("hrAt10"))
    .addOption(
      new Option("--candidate-draws <n>", "draws of 99 candidates that are averaged")
        .argParser(options.integer(1, 100))
        .default(3),
    )
    .addOption(options.seedOption())
    .addOption(options.threadsOption())
    .addOption(options.backendOption())
    .option("--compact-ids", "one embedding row a user or item of the sample, whatever the preset says", false)
    .addOption(options.jsonOption())
    .action((dir: string, values: TuneValues) => run(dir, values, terminal));
}

async function run(dir: string, values: TuneValues, terminal: Terminal): Promise<void> {
  terminal.useJson(values.json);
  terminal.goesOnBy("the same command goes on from here");
  const { metric, seed, candidateDraws, trials } = values;
  const files = await readSample(dir);
  const split = new ValidationSplit(files.sample, metric, seed, candidateDraws);
  const { model, space } = searched(values, files, split, terminal);
  if (trials > 1 && Object.keys(space).length === 0) {
    const own = "or judge the model's own alone: --trials 1";
    throw new NcfError(
      "SPACE_INVALID",
      `expected settings of ${model.name} to search, found none. Name some: --space, ${own}`,
    );
  }
  const table = { metric, space };
  const unlock = lockFolder(values.out);
  const result = await tune(
    {
      store: new FileObjectStore(values.out),
      progress: terminal.progress,
      onRung: (rung, epochs) => {
        const epochsText = model.epochs > 1 ? ` of ${epochs} epochs` : "";
        terminal.log(`${rung.length} trials${epochsText}:\n${trialsTable(rung, { ...table, rows: 5 })}`);
      },
    },
    { model, space, trials, metric, seed, candidateDraws, sample: files.manifest.sha256 },
  ).finally(unlock);
  const file = path.join(values.out, "tuned.json");
  const train = baselineKindNamed(model.name) === null ? `, ncf train --settings ${file} ...` : "";
  terminal.answer(
    { ...result.tuned, trials: result.trials, file },
    [
      trialsTable(result.trials, { ...table, rows: 10 }),
      "",
      `Trial ${result.best.trial} is the best. Its figure is that of the winner on the split that chose it, so expect less on the test items.`,
      `Settings: ${file}; use them: ncf run --settings ${file} ...${train}`,
    ].join("\n"),
  );
}

/** What is tuned, and where the search looks. */
function searched(
  values: TuneValues,
  files: SampleFiles,
  split: ValidationSplit,
  terminal: Terminal,
): { model: Tunable; space: SearchSpace } {
  const { model: name, out, seed, threads } = values;
  const monotonicMs = (): number => performance.now();
  const kind = baselineKindNamed(name);
  if (kind !== null) {
    const attributes = contentOfAll(files.sample.itemIds, files.items);
    const model = baselineTunable({ kind, attributes, split, monotonicMs, signal: terminal.signal });
    return { model, space: spaceOf(values.space, model, () => baselineSpace(kind.defaults)) };
  }
  const preset = presetNamed(name);
  const config = values.compactIds ? { ...preset, ids: "compact" as const } : preset;
  const model = ncfTunable(
    { backend: backendNamed(values.backend), createScorer, store: new FileObjectStore(out), monotonicMs },
    {
      name,
      config,
      epochs: values.epochs ?? 2 * config.epochs,
      split,
      sampleSha256: files.manifest.sha256,
      seed,
      threads,
      signal: terminal.signal,
    },
  );
  return { model, space: spaceOf(values.space, model, () => defaultSpace(config, model)) };
}

function spaceOf(file: string | undefined, model: Tunable, byDefault: () => SearchSpace): SearchSpace {
  if (file === undefined) return byDefault();
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new NcfError("SPACE_INVALID", `--space: expected a JSON file, found ${reason}`, { cause });
  }
  return parseSearchSpace(value, model, path.basename(file));
}
