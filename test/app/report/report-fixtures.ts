/** Reports as a run would write them, with figures made up for the tests. */
import type { Report, ReportModel, ReportTraining } from "../../../src/app/report/report.ts";
import { verdictsOf } from "../../../src/app/report/verdicts.ts";

type Comparison = Report["comparisons"][number];

interface ModelFigures {
  readonly name: string;
  readonly hr: number;
  readonly ndcg: number;
  readonly quartiles: readonly [number, number, number, number];
  readonly versus?: { readonly difference: number; readonly pValue: number };
  readonly training?: ReportTraining;
}

const users = 610;

const genreNames = [
  ["Drama", 4_300, 41_000],
  ["Comedy", 3_700, 39_000],
  ["Thriller", 1_900, 26_000],
  ["Action", 1_800, 30_000],
  ["Romance", 1_600, 18_000],
  ["Adventure", 1_250, 24_000],
  ["Crime", 1_200, 16_500],
  ["Sci-Fi", 980, 17_000],
  ["Horror", 970, 7_300],
  ["Fantasy", 780, 11_800],
  ["Children", 660, 9_200],
  ["Animation", 610, 7_000],
  ["Mystery", 570, 7_700],
  ["Documentary", 440, 1_200],
  ["War", 380, 4_900],
  ["Musical", 330, 4_100],
  ["Western", 170, 1_900],
  ["IMAX", 160, 4_100],
  ["Film-Noir", 90, 870],
  ["(no genres listed)", 30, 50],
] as const;

/** The quartile, the tested users, and the least and most training interactions of their test items. */
const popularityGroups = [
  [null, 31, 0, 0],
  [1, 145, 1, 6],
  [2, 145, 7, 22],
  [3, 145, 22, 61],
  [4, 144, 61, 328],
] as const;

export function modelOf(figures: ModelFigures): ReportModel {
  const { name, hr, ndcg } = figures;
  const half = 1.96 * Math.sqrt((hr * (1 - hr)) / users);
  const bounds = [
    [16, 31],
    [32, 65],
    [66, 164],
    [165, 2697],
  ];
  return {
    name,
    cases: users,
    hrAt10: hr,
    hrAt10Interval: [hr - half, hr + half],
    hrAt10Optimistic: hr + (name === "popularity" ? 0.004 : 0),
    hrAt10Pessimistic: hr - (name === "popularity" ? 0.005 : 0),
    ndcgAt10: ndcg,
    ndcgAt10Interval: [ndcg - 0.027, ndcg + 0.028],
    fullCatalogue: {
      cases: users,
      hrAt10: hr * 0.11,
      hrAt10Interval: [hr * 0.11 - 0.021, hr * 0.11 + 0.022],
      ndcgAt10: ndcg * 0.1,
      ndcgAt10Interval: [ndcg * 0.1 - 0.012, ndcg * 0.1 + 0.013],
    },
    corrected: {
      cases: users,
      hrAt10: hr * 0.1 + 0.004,
      hrAt10Interval: [hr * 0.1 - 0.022, hr * 0.1 + 0.03],
      ndcgAt10: ndcg * 0.1 + 0.002,
      ndcgAt10Interval: [ndcg * 0.1 - 0.01, ndcg * 0.1 + 0.014],
    },
    byActivity: figures.quartiles.map((hrAt10, index) => ({
      quartile: index + 1,
      users: index < 2 ? 153 : 152,
      minTraining: bounds[index][0],
      maxTraining: bounds[index][1],
      hrAt10,
      interval: [Math.max(0, hrAt10 - 0.075), Math.min(1, hrAt10 + 0.07)],
      fullCatalogueHrAt10: hrAt10 * 0.11,
    })),
    byPopularity: popularityGroups.map(([quartile, tested, minTraining, maxTraining], index) => {
      const hrAt10 = Math.min(0.97, hr * [0.02, 0.4, 0.95, 1.25, 1.4][index]);
      return {
        quartile,
        users: tested,
        minTraining,
        maxTraining,
        hrAt10,
        interval: [Math.max(0, hrAt10 - 0.07), Math.min(1, hrAt10 + 0.07)] as const,
        fullCatalogueHrAt10: quartile === null ? 0 : hrAt10 * 0.11,
      };
    }),
    byGenre: genreNames.slice(0, 12).map(([genre], index) => ({
      genre,
      users: 300 - 23 * index,
      hrAt10: hr - 0.01 * index,
      interval: [hr - 0.01 * index - 0.06, hr - 0.01 * index + 0.06] as const,
      fullCatalogueHrAt10: index === 11 ? null : (hr - 0.01 * index) * 0.11,
    })),
    lists: {
      lists: users,
      coverage: name === "popularity" ? 0.008 : 0.31 - 0.4 * (0.74 - hr),
      gini: name === "popularity" ? 0.998 : 0.86,
      meanPopularity: name === "popularity" ? 214.6 : 88.2,
      novelty: name === "popularity" ? 1.52 : 3.47,
      diversity: 0.78,
    },
    cost: {
      fitSeconds: figures.training?.seconds ?? 0.04,
      modelBytes: figures.training === undefined ? 40_312 : 4 * figures.training.parameters,
      millisecondsPerRequest: figures.training === undefined ? 0.21 : 4.87,
    },
    seeds: null,
    versusPopularity:
      figures.versus === undefined
        ? null
        : {
            ...figures.versus,
            interval: [figures.versus.difference - 0.032, figures.versus.difference + 0.031],
          },
    training: figures.training ?? null,
  };
}

export function trainingOf(preset: string, epochs: number, first: number, last: number): ReportTraining {
  const stepsPerEpoch = 979;
  const lossAt = (progress: number): number =>
    last + (first - last) * (0.25 * (1 - progress) + 0.75 * Math.exp(-7 * progress));
  const points = 120;
  return {
    preset,
    epochs,
    steps: epochs * stepsPerEpoch,
    samples: epochs * 501_130,
    seconds: epochs * 0.74,
    samplesPerSecond: 677_203,
    parameters: preset === "paper" ? 1_553_505 : 335_649,
    arithmetic: "wasm relaxed fma",
    backend: "wasm",
    threads: 2,
    losses: Array.from({ length: epochs }, (_, i) => ({ epoch: i + 1, loss: lossAt((i + 0.5) / epochs) })),
    curve: Array.from({ length: points }, (_, i) => ({
      step: Math.round(((i + 1) / points) * epochs * stepsPerEpoch),
      loss: lossAt((i + 1) / points) + 0.006 * (((i * 7_919) % 101) / 101 - 0.5),
    })),
  };
}

export const popularity = modelOf({
  name: "popularity",
  hr: 0.609,
  ndcg: 0.363,
  quartiles: [0.712, 0.647, 0.579, 0.497],
});
export const neumf = modelOf({
  name: "neumf",
  hr: 0.716,
  ndcg: 0.448,
  quartiles: [0.758, 0.739, 0.701, 0.664],
  versus: { difference: 0.107, pValue: 0.0001 },
  training: trainingOf("neumf", 10, 0.61, 0.214),
});
export const paper = modelOf({
  name: "paper",
  hr: 0.571,
  ndcg: 0.331,
  quartiles: [0.67, 0.6, 0.54, 0.472],
  versus: { difference: -0.038, pValue: 0.0081 },
  training: trainingOf("paper", 5, 0.6, 0.342),
});

const ratingCounts = [1_400, 2_800, 1_800, 7_500, 5_600, 20_000, 13_100, 26_800, 8_600, 13_236];

/** A report of `models`, judged on something like ml-latest-small. */
export function reportOf(models: readonly ReportModel[], changes: Partial<Report> = {}): Report {
  const comparisons = pairs(models);
  const genres = genreNames.map(([genre, movies, ratings]) => ({ genre, movies, ratings }));
  return {
    formatVersion: 1,
    generatedBy: { name: "ncf-stream", version: "0.1.0" },
    command: "npx ncf run --dataset ml-latest-small --models neumf,paper,popularity --seed 1 --out ncf-out",
    dataset: {
      name: "ml-latest-small",
      source: "ml-latest-small.zip",
      generated: false,
      validation: {
        source: "ml-latest-small",
        format: "movielens-csv",
        ratingsSha256: "5f".repeat(32),
        rowsRead: 100_839,
        rowsKept: 100_836,
        rowsRejected: 3,
        rejected: [
          {
            reason: "timestamp is not a number",
            count: 3,
            examples: [
              { line: 412, text: "7,1197,4.0,yesterday" },
              { line: 977, text: "11,50,5.0," },
              { line: 20_113, text: "132,318,4.5,12e" },
            ],
          },
        ],
        users,
        items: 9_724,
        firstTimestampMs: Date.UTC(1996, 2, 29, 18, 36, 55),
        lastTimestampMs: Date.UTC(2018, 8, 24, 14, 27, 30),
        repeatedPairs: 0,
        ratingsOutsideScale: 0,
        ratingsMissing: 0,
        ratingHistogram: ratingCounts.map((count, index) => ({ rating: (index + 1) / 2, count })),
        itemsWithoutRatings: 18,
        itemsNotListed: 0,
        idCollisions: 0,
      },
      sample: {
        users,
        items: 9_724,
        interactions: 100_836,
        trainingInteractions: 100_226,
        testedUsers: users,
        singletons: 0,
        repeatedPairsRemoved: 0,
        coldTestItems: 31,
      },
      genres,
      paperSampleMatched: null,
    },
    protocol: {
      split: "leaveOneOut",
      fraction: 1,
      sampler: "hash",
      seed: 1,
      tieRule: "firstInFile",
      tieShare: 0.118,
      catalogue: "sample",
      candidates: 99,
      candidateDraw: "distinct",
      shortCandidateUsers: 0,
      negatives: 4,
      negativeDraw: "eachEpoch",
      fullCatalogueUsers: users,
      correction: { estimator: "biasVariance", gamma: 0.01 },
      bootstrapResamples: 2_000,
      permutations: 10_000,
    },
    leakage: { shareOfTrainingAfterTestEvent: 0.383 },
    splits: [
      {
        beforeMs: null,
        trainingInteractions: 100_226,
        testedUsers: users,
        newUsers: 0,
        shareOfTrainingAfterTestEvent: 0.383,
        models: models.map(({ name, hrAt10, ndcgAt10, fullCatalogue }) => ({
          name,
          hrAt10,
          ndcgAt10,
          fullCatalogueHrAt10: fullCatalogue.hrAt10,
        })),
      },
    ],
    timings: [
      { stage: "read", seconds: 0.21 },
      { stage: "sample", seconds: 0.05 },
      { stage: "train neumf", seconds: 9.4 },
      { stage: "train paper", seconds: 3.7 },
      { stage: "judge", seconds: 4.2 },
    ],
    peakRssBytes: 231 * 2 ** 20,
    machine: { cpu: "Example CPU @ 2.4 GHz", cores: 2, node: "v22.18.0", os: "linux x64" },
    hashes: {
      sample: "3c".repeat(32),
      models: Object.fromEntries(models.filter((m) => m.training !== null).map((m) => [m.name, "a7".repeat(32)])),
    },
    models,
    comparisons,
    verdicts: verdictsOf(models, comparisons),
    ...changes,
  };
}

function pairs(models: readonly ReportModel[]): Comparison[] {
  return models.flatMap((model, index) =>
    models.slice(index + 1).map((other) => {
      const difference = model.hrAt10 - other.hrAt10;
      const versus = other.name === "popularity" ? model.versusPopularity : null;
      return {
        model: model.name,
        other: other.name,
        difference,
        interval: [difference - 0.032, difference + 0.031] as const,
        pValue: versus?.pValue ?? (Math.abs(difference) > 0.03 ? 0.0002 : 0.34),
        fullCatalogue: {
          difference: model.fullCatalogue.hrAt10 - other.fullCatalogue.hrAt10,
          interval: [-0.01, 0.03] as const,
          pValue: 0.21,
        },
      };
    }),
  );
}
