/**
 * What `report.json` says: one judged run, with all that is needed to read, to doubt and to repeat it.
 *
 * The schema below is the single source: the type, `docs/report.schema.json` and the check on reading come from it.
 * Shares and metrics are numbers from 0 to 1, intervals are [low, high] at 95 %.
 */
import { z } from "zod";
import { NcfError } from "../../core/errors.ts";
import { comparison, count, interval, model, seconds, share } from "./model-schema.ts";

/** Raised when a reader of an older report could misread a newer one. */
export const reportFormatVersion = 1;

const validation = z
  .object({
    source: z.string(),
    format: z.string(),
    ratingsSha256: z.string(),
    rowsRead: count,
    rowsKept: count,
    rowsRejected: count,
    rejected: z.array(
      z.object({
        reason: z.string(),
        count,
        examples: z.array(z.object({ line: count, text: z.string() })).describe("The first 20 of this kind"),
      }),
    ),
    users: count,
    items: count,
    firstTimestampMs: z.number().nullable(),
    lastTimestampMs: z.number().nullable(),
    repeatedPairs: count,
    ratingsOutsideScale: count,
    ratingsMissing: count,
    ratingHistogram: z.array(z.object({ rating: z.number(), count })).describe("Kept rows by rating, ascending"),
    itemsWithoutRatings: count.nullable(),
    itemsNotListed: count.nullable(),
    idCollisions: count,
  })
  .describe("What reading the whole source gave: `ValidationReport` of src/core/ratings.ts");

const dataset = z.object({
  name: z.string().describe("Such as ml-latest-small, the name of a file, or generated"),
  source: z.string().describe("Base name of the file or folder that was read, never a full path"),
  generated: z.boolean().describe("True for synthetic data: its figures say nothing about real users"),
  validation,
  sample: z.object({
    users: count,
    items: count.describe("The catalogue"),
    interactions: count.describe("Training interactions and test items together"),
    trainingInteractions: count,
    testedUsers: count,
    singletons: count.describe("Users with one rating: in training, not tested"),
    repeatedPairsRemoved: count.describe("Earlier ratings of a (user, item) pair; the latest is kept"),
    coldTestItems: count.describe("Test items without a training interaction"),
  }),
  genres: z
    .array(z.object({ genre: z.string(), movies: count, ratings: count }))
    .describe("Listed movies and kept ratings by genre, over the whole source; empty without an item list"),
  paperSampleMatched: z
    .boolean()
    .nullable()
    .describe("Whether ml-20m with sampler numpy123 met the paper's 41,547 users and 6,027,314 ratings; else null"),
});

const protocol = z.object({
  split: z.enum(["leaveOneOut", "temporal", "rolling"]).describe("How test items were held out; see `splits`"),
  fraction: share.describe("Share of the source's users in the sample"),
  sampler: z.enum(["hash", "numpy123"]),
  seed: count,
  tieRule: z.string().describe("Which of several latest ratings is the test item, such as firstInFile"),
  tieShare: share.describe("Tested users whose latest timestamp is shared by several of their ratings"),
  catalogue: z.enum(["sample", "listed"]),
  candidates: count.describe("Unseen items beside the test item: 99"),
  candidateDraw: z.enum(["distinct", "withReplacement"]),
  shortCandidateUsers: count.describe("Tested users with fewer unseen items than `candidates`: all of them are taken"),
  negatives: count.describe("Training negatives for each positive"),
  negativeDraw: z.enum(["eachEpoch", "once"]),
  fullCatalogueUsers: count.describe("Tested users who were also ranked against the full catalogue"),
  correction: z.object({
    estimator: z.literal("biasVariance").describe("Krichene and Rendle, KDD 2020"),
    gamma: share.describe("How much variance counts against bias"),
  }),
  bootstrapResamples: count,
  permutations: count,
});

const split = z.object({
  beforeMs: z.number().nullable().describe("Training ratings are earlier than this moment; null for leave-one-out"),
  trainingInteractions: count,
  testedUsers: count,
  newUsers: count.describe("Users with ratings from that moment on but none before: not tested"),
  shareOfTrainingAfterTestEvent: share,
  models: z.array(z.object({ name: z.string(), hrAt10: share, ndcgAt10: share, fullCatalogueHrAt10: share })),
});

const rankings = z
  .object({
    text: z.string(),
    reversed: z
      .array(
        z.object({
          model: z.string().describe("Ahead among the sampled candidates"),
          other: z.string().describe("Ahead against the full catalogue"),
          pValue: share.describe("Of the difference against the full catalogue"),
        }),
      )
      .describe("Pairs of models that the two rankings order differently, the least likely by chance first"),
    reversedByEstimate: count.describe("Pairs that the estimate orders otherwise than the full catalogue does"),
  })
  .describe("Whether sampled, full and estimated ranking order the models alike");

const verdicts = z
  .object({
    headline: z.string().describe("Who won, by how much, and whether that is significant"),
    winner: z.string().nullable().describe("The model with the highest HR@10; null when there is one model only"),
    significant: z.boolean().nullable().describe("Whether the winner beats the runner-up at the 5 % level"),
    models: z.array(
      z.object({
        name: z.string(),
        versusPopularity: z.enum(["beats", "loses", "undecided"]),
        text: z.string(),
      }),
    ),
    rankings,
    activeUsers: z
      .object({
        text: z.string(),
        models: z.array(
          z.object({
            name: z.string(),
            mostLessLeastActive: z.number().describe("HR@10 of the most active quartile less the least active one's"),
            interval,
            holds: z.enum(["yes", "no", "undecided"]),
          }),
        ),
      })
      .describe("The paper's claim that active users get better hits"),
  })
  .describe("What the figures say in words");

export const reportSchema = z
  .object({
    formatVersion: z.literal(reportFormatVersion),
    generatedBy: z.object({ name: z.string(), version: z.string() }),
    command: z.string().describe("The command line that reproduces this report"),
    dataset,
    protocol,
    leakage: z.object({
      shareOfTrainingAfterTestEvent: share.describe(
        "Share of training events later than a user's test event, averaged over tested users (of all splits)",
      ),
    }),
    splits: z
      .array(split)
      .min(1)
      .describe(
        "What was judged, by time: one entry, or one for each moment of a rolling split; models are those of all",
      ),
    timings: z.array(z.object({ stage: z.string(), seconds })).describe("In the order they ran"),
    peakRssBytes: count,
    machine: z.object({ cpu: z.string(), cores: count, node: z.string(), os: z.string() }),
    hashes: z.object({
      sample: z.string().describe("sha256 of the sample's content"),
      models: z.record(z.string(), z.string()).describe("sha256 of the model file, by model name"),
    }),
    models: z.array(model).min(1),
    comparisons: z
      .array(comparison)
      .describe("Pairs of models, each pair once; versusPopularity repeats those with popularity"),
    verdicts,
  })
  .describe("One judged run of ncf-stream");

type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;

export type Report = DeepReadonly<z.infer<typeof reportSchema>>;
export type ReportModel = Report["models"][number];
export type ReportTraining = NonNullable<ReportModel["training"]>;
export type ReportVerdicts = Report["verdicts"];

/**
 * Checks what was read from a report.json.
 *
 * @throws NcfError `REPORT_INVALID` naming the first field that is wrong
 */
export function parseReport(value: unknown): Report {
  const result = reportSchema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new NcfError(
    "REPORT_INVALID",
    `expected a report of format version ${reportFormatVersion}, but ${issue.path.join(".") || "the document"}: ` +
      `${issue.message}; write it again with this version of the program`,
    { cause: result.error },
  );
}

/** The JSON Schema of report.json as the text of docs/report.schema.json. */
export function reportJsonSchema(): string {
  const schema = { title: "report.json of ncf-stream", ...z.toJSONSchema(reportSchema) };
  return `${JSON.stringify(schema, null, 2)}\n`;
}
