/** Puts the facts of one run into the form of report.json. */

import type { NcfConfig } from "../../ncf/config.ts";
import type { SampleFiles } from "../../ports/sample-store.ts";
import type { JudgeOptions, JudgeResult } from "../judge.ts";
import type { SeedSpread } from "../judging/mean-figures.ts";
import type { ReadSource, RunRequest } from "../run.ts";
import { epochLosses, type TrainingRecord } from "../training-record.ts";
import { type Report, type ReportModel, type ReportTraining, reportFormatVersion } from "./report.ts";
import { popularityName, verdictsOf } from "./verdicts.ts";

export interface MachineFacts {
  readonly cpu: string;
  readonly cores: number;
  readonly node: string;
  readonly os: string;
}

export interface ReportFacts extends ReadSource, SampleFiles {
  readonly request: RunRequest;
  readonly judged: JudgeResult;
  readonly judgeOptions: JudgeOptions;
  readonly records: ReadonlyMap<string, TrainingRecord>;
  /** Null for popularity. */
  readonly configs: ReadonlyMap<string, NcfConfig | null>;
  readonly hashes: Readonly<Record<string, string>>;
  /** By model name. */
  readonly costs: ReadonlyMap<string, FitCost>;
  /** By model name, where several seeds were judged. */
  readonly seedSpreads: ReadonlyMap<string, SeedSpread>;
  readonly splits: Report["splits"];
  readonly timings: Report["timings"];
  readonly machine: MachineFacts;
  readonly peakRssBytes: number;
}

/** What it took to make a model. */
export interface FitCost {
  readonly seconds: number;
  /** Of the model's file. */
  readonly bytes: number;
}

/** What the paper says of its sample of ML-20M. */
const paperSample = { users: 41_547, ratings: 6_027_314 };

export function buildReport(facts: ReportFacts): Report {
  const { request, judged } = facts;
  const models = reportModels(judged, facts.records, facts.costs, facts.seedSpreads);
  return {
    formatVersion: reportFormatVersion,
    generatedBy: { name: "ncf-stream", version: request.version },
    command: request.command,
    dataset: datasetOf(facts),
    protocol: protocolOf(facts),
    leakage: { shareOfTrainingAfterTestEvent: meanLeakage(facts.splits) },
    splits: facts.splits,
    timings: facts.timings,
    peakRssBytes: facts.peakRssBytes,
    machine: facts.machine,
    hashes: { sample: facts.manifest.sha256, models: facts.hashes },
    models,
    comparisons: judged.comparisons,
    verdicts: verdictsOf(models, judged.comparisons),
  };
}

/** Over all tested users. */
function meanLeakage(splits: Report["splits"]): number {
  const tested = splits.reduce((sum, { testedUsers }) => sum + testedUsers, 0);
  return (
    splits.reduce((sum, split) => sum + split.testedUsers * split.shareOfTrainingAfterTestEvent, 0) /
    Math.max(1, tested)
  );
}

/** The judged models with what their trainings were like, by name; a training that was timed is a cost, too. */
export function reportModels(
  judged: JudgeResult,
  records: ReadonlyMap<string, TrainingRecord>,
  costs: ReadonlyMap<string, FitCost> = new Map(),
  seedSpreads: ReadonlyMap<string, SeedSpread> = new Map(),
): ReportModel[] {
  return judged.judgements.map(({ millisecondsPerRequest, ...judgement }) => {
    const record = records.get(judgement.name);
    const cost = costs.get(judgement.name);
    return {
      ...judgement,
      cost: {
        fitSeconds: cost?.seconds ?? record?.seconds ?? null,
        modelBytes: cost?.bytes ?? null,
        millisecondsPerRequest,
      },
      seeds: seedSpreads.get(judgement.name) ?? null,
      versusPopularity: versusPopularity(judgement.name, judged),
      training: record === undefined ? null : trainingOf(record),
    };
  });
}

function versusPopularity(name: string, { comparisons }: JudgeResult): ReportModel["versusPopularity"] {
  for (const { model, other, difference, interval, pValue } of comparisons) {
    if (model === name && other === popularityName) return { difference, interval, pValue };
    if (other === name && model === popularityName) {
      return { difference: -difference, interval: [-interval[1], -interval[0]], pValue };
    }
  }
  return null;
}

function trainingOf(record: TrainingRecord): ReportTraining {
  const { modelSha256: _, patience: _patience, stepsPerEpoch: _steps, validation: _validation, ...shown } = record;
  return { ...shown, losses: epochLosses(record) };
}

function datasetOf({ request, validation, listedItems, manifest, ratingsOfItem }: ReportFacts): Report["dataset"] {
  const { counts, options } = manifest;
  const isPapersDraw = request.dataset.name === "ml-20m" && options.sampler === "numpy123" && options.fraction === 0.3;
  return {
    name: request.dataset.name,
    source: validation.source,
    generated: request.dataset.generated,
    validation: {
      ...validation,
      rejected: validation.rejected.map((kind) => ({ ...kind, examples: [...kind.examples] })),
    },
    sample: {
      users: counts.users,
      items: counts.items,
      interactions: counts.ratings - counts.repeatedPairs,
      trainingInteractions: counts.ratings - counts.repeatedPairs - counts.testedUsers,
      testedUsers: counts.testedUsers,
      singletons: counts.singletonUsers,
      repeatedPairsRemoved: counts.repeatedPairs,
      coldTestItems: counts.coldTestItems,
    },
    genres: genreCounts(listedItems, ratingsOfItem),
    paperSampleMatched: isPapersDraw
      ? counts.users === paperSample.users && counts.ratings === paperSample.ratings
      : null,
  };
}

function genreCounts(
  items: ReportFacts["listedItems"],
  ratingsOfItem: ReadonlyMap<number, number>,
): Report["dataset"]["genres"] {
  const counts = new Map<string, { movies: number; ratings: number }>();
  for (const { id, genres } of items) {
    for (const genre of genres) {
      const count = counts.get(genre) ?? { movies: 0, ratings: 0 };
      count.movies += 1;
      count.ratings += ratingsOfItem.get(id) ?? 0;
      counts.set(genre, count);
    }
  }
  return [...counts]
    .map(([genre, count]) => ({ genre, ...count }))
    .sort((a, b) => b.movies - a.movies || (a.genre < b.genre ? -1 : 1));
}

function protocolOf({ request, manifest, judgeOptions, judged, configs }: ReportFacts): Report["protocol"] {
  const { options, counts } = manifest;
  const config = [...configs.values()].find((found) => found !== null);
  return {
    split: request.split.kind,
    fraction: options.fraction,
    sampler: options.sampler,
    seed: judgeOptions.seed,
    tieRule: options.tieRule,
    tieShare: counts.tiedUsers / Math.max(1, counts.testedUsers),
    catalogue: options.catalogue,
    candidates: judgeOptions.candidates,
    candidateDraw: judgeOptions.withReplacement ? "withReplacement" : "distinct",
    shortCandidateUsers: judged.shortCandidateUsers,
    negatives: config?.negatives ?? 0,
    negativeDraw: config?.negativeDraw ?? "eachEpoch",
    fullCatalogueUsers: judged.judgements[0]?.fullCatalogue.cases ?? 0,
    correction: { estimator: "biasVariance", gamma: judgeOptions.correctionGamma },
    bootstrapResamples: judgeOptions.bootstrapResamples,
    permutations: judgeOptions.permutations,
  };
}
