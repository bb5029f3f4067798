/** Puts the facts of one run into the form of report.json. */

import type { NcfConfig } from "../../ncf/config.ts";
import type { JudgeOptions, JudgeResult } from "../judge.ts";
import type { RunRequest, SplitDataset } from "../run.ts";
import { epochLosses, type TrainingRecord } from "../training-record.ts";
import { type Report, type ReportModel, type ReportTraining, reportFormatVersion } from "./report.ts";
import { popularityName, verdictsOf } from "./verdicts.ts";

export interface MachineFacts {
  readonly cpu: string;
  readonly cores: number;
  readonly node: string;
  readonly os: string;
}

export interface ReportFacts extends SplitDataset {
  readonly request: RunRequest;
  readonly judged: JudgeResult;
  readonly judgeOptions: JudgeOptions;
  readonly records: ReadonlyMap<string, TrainingRecord>;
  /** Null for popularity. */
  readonly configs: ReadonlyMap<string, NcfConfig | null>;
  readonly modelHashes: Readonly<Record<string, string>>;
  readonly leakageShare: number;
  readonly timings: Report["timings"];
  readonly machine: MachineFacts;
  readonly peakRssBytes: number;
}

/** What the paper says of its sample of ML-20M. */
const paperSample = { users: 41_547, ratings: 6_027_314 };

export function buildReport(facts: ReportFacts): Report {
  const { request, judged } = facts;
  const models = reportModels(judged, facts.records);
  return {
    formatVersion: reportFormatVersion,
    generatedBy: { name: "ncf-stream", version: request.version },
    command: request.command,
    dataset: datasetOf(facts),
    protocol: protocolOf(facts),
    leakage: { shareOfTrainingAfterTestEvent: facts.leakageShare },
    timings: facts.timings,
    peakRssBytes: facts.peakRssBytes,
    machine: facts.machine,
    hashes: { sample: facts.manifest.sha256, models: facts.modelHashes },
    models,
    comparisons: judged.comparisons,
    verdicts: verdictsOf(models, judged.comparisons),
  };
}

/** The judged models with what their trainings were like, by name. */
export function reportModels(judged: JudgeResult, records: ReadonlyMap<string, TrainingRecord>): ReportModel[] {
  return judged.judgements.map((judgement) => {
    const record = records.get(judgement.name);
    return {
      ...judgement,
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

function protocolOf({ manifest, judgeOptions, judged, configs }: ReportFacts): Report["protocol"] {
  const { options, counts } = manifest;
  const config = [...configs.values()].find((found) => found !== null);
  return {
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
    bootstrapResamples: judgeOptions.bootstrapResamples,
    permutations: judgeOptions.permutations,
  };
}
