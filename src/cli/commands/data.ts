/** `ncf generate`, `ncf ingest`, `ncf sample`: from a source to a sample, step by step. */
import path from "node:path";
import type { Command } from "commander";
import { Option } from "commander";
import { FileObjectStore } from "../../adapters/local/file-object-store.ts";
import { localRatingsSource } from "../../adapters/local/ratings-reader.ts";
import { ParquetDatasetStore } from "../../adapters/parquet/parquet-dataset-store.ts";
import { ParquetSampleStore } from "../../adapters/parquet/parquet-sample-store.ts";
import { writeBenchmark } from "../../app/benchmark/benchmark-writer.ts";
import { generate } from "../../app/generate.ts";
import { ingest } from "../../app/ingest.ts";
import { grouped } from "../../app/report/number-text.ts";
import { drawSample } from "../../app/sample.ts";
import type { ValidationReport } from "../../core/ratings.ts";
import type { SyntheticOptions } from "../../core/synthetic/dataset.ts";
import { syntheticShapes } from "../../core/synthetic/shapes.ts";
import type { SampleManifest, SampleOptions } from "../../ports/sample-store.ts";
import { resolveDataset } from "../dataset.ts";
import { asPrefix } from "../folders.ts";
import * as options from "../options.ts";
import type { Terminal } from "../terminal.ts";

interface IngestValues extends options.ReadOptionValues {
  readonly out: string;
  readonly json: boolean;
}

interface SampleValues extends SampleOptions {
  readonly out: string;
  readonly benchmark?: string;
  readonly json: boolean;
}

interface GenerateValues extends SyntheticOptions {
  readonly out: string;
  readonly json: boolean;
}

export function addDataCommands(program: Command, terminal: Terminal): void {
  const ingestCommand = program
    .command("ingest")
    .description("Read a data set, say what is wrong with it, and store it as Parquet.")
    .argument("<name or path>", "a MovieLens data set by name, or a folder, zip or CSV file")
    .requiredOption("--out <dir>", "folder for the data set")
    .addOption(options.threadsOption())
    .addOption(options.jsonOption())
    .action(async (given: string, values: IngestValues) => {
      terminal.useJson(values.json);
      const dataset = await resolveDataset(given, terminal);
      const report = await ingest(
        {
          source: localRatingsSource,
          datasets: new ParquetDatasetStore(...asPrefix(values.out)),
          progress: terminal.progress,
        },
        { ...dataset, read: { ...options.readRatingsOptions(values), signal: terminal.signal } },
      );
      terminal.answer(report, validationText(report, values.out));
    });
  for (const option of options.readOptions()) ingestCommand.addOption(option);

  program
    .command("generate")
    .description("Make up ratings of the shape of MovieLens, as ratings.csv and movies.csv.")
    .addOption(new Option("--shape <name>", "what to resemble").choices(Object.keys(syntheticShapes)).default("small"))
    .addOption(new Option("--users <n>", "users (default: the shape's own)").argParser(options.integer(1)))
    .addOption(new Option("--movies <n>", "movies (default: the shape's own)").argParser(options.integer(1)))
    .addOption(new Option("--ratings <n>", "ratings (default: the shape's own)").argParser(options.integer(1)))
    .addOption(options.seedOption())
    .requiredOption("--out <dir>", "folder for the files")
    .addOption(options.jsonOption())
    .action(async ({ out, json, ...request }: GenerateValues) => {
      terminal.useJson(json);
      const written = await generate(
        { store: new FileObjectStore(out), progress: terminal.progress },
        { ...request, signal: terminal.signal },
      );
      terminal.answer(
        written,
        `${grouped(written.ratings)} ratings of ${grouped(written.movies)} movies by ${grouped(written.users)} users: ${out}`,
      );
    });

  program
    .command("sample")
    .description("Draw users from an ingested data set and split their ratings into training and test.")
    .argument("<dir>", "folder that `ncf ingest` wrote")
    .requiredOption("--out <dir>", "folder for the sample")
    .addOption(new Option("--fraction <share>", "share of the users to draw").argParser(options.fraction).default(1))
    .addOption(options.samplerOption())
    .addOption(options.tieRuleOption())
    .addOption(options.catalogueOption())
    .addOption(options.seedOption())
    .option(
      "--benchmark <dir>",
      "also write split and candidates as the NCF benchmark's files: *.train.rating, *.test.rating, *.test.negative",
    )
    .addOption(options.jsonOption())
    .action(async (dir: string, { out, benchmark, json, ...values }: SampleValues) => {
      terminal.useJson(json);
      const { fraction, sampler, seed, tieRule, catalogue } = values;
      const samples = new ParquetSampleStore(...asPrefix(out));
      const manifest = await drawSample(
        { datasets: new ParquetDatasetStore(...asPrefix(dir)), samples },
        { fraction, sampler, seed, tieRule, catalogue },
      );
      if (benchmark !== undefined) {
        const { sample } = await samples.read();
        await writeBenchmark(new FileObjectStore(benchmark), path.basename(path.resolve(benchmark)), sample, seed);
      }
      terminal.answer(manifest, sampleText(manifest, out));
    });
}

function validationText(report: ValidationReport, out: string): string {
  const day = (ms: number | null): string => (ms === null ? "?" : new Date(ms).toISOString().slice(0, 10));
  const lines = [
    `${report.source} (${report.format}): ${grouped(report.rowsRead)} rows read, ${grouped(report.rowsKept)} kept, ` +
      `${grouped(report.rowsRejected)} rejected`,
    `${grouped(report.users)} users, ${grouped(report.items)} items, ` +
      `${day(report.firstTimestampMs)} to ${day(report.lastTimestampMs)}`,
    `${grouped(report.repeatedPairs)} repeated (user, item) pairs, ` +
      `${grouped(report.ratingsOutsideScale)} ratings outside 0.5 to 5, ${grouped(report.ratingsMissing)} missing`,
  ];
  if (report.itemsWithoutRatings !== null) {
    lines.push(`${grouped(report.itemsWithoutRatings)} listed items without a rating`);
  }
  for (const { reason, count, examples } of [...report.rejected, ...(report.itemListRejected ?? [])]) {
    lines.push(`rejected ${grouped(count)}: ${reason}`);
    for (const { line, text } of examples) lines.push(`  line ${line}: ${text}`);
  }
  return [...lines, `Data set: ${out}`].join("\n");
}

function sampleText({ counts, options: drawn }: SampleManifest, out: string): string {
  return [
    `${grouped(counts.users)} users with ${grouped(counts.ratings)} ratings of ${grouped(counts.items)} items ` +
      `(fraction ${drawn.fraction}, sampler ${drawn.sampler}, seed ${drawn.seed})`,
    `${grouped(counts.testedUsers)} test items; ${grouped(counts.singletonUsers)} users with a single rating, ` +
      `${grouped(counts.tiedUsers)} tied at their latest, ${grouped(counts.coldTestItems)} cold test items`,
    `Sample: ${out}`,
  ].join("\n");
}
