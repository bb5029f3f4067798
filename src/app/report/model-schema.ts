/** What report.json says of each judged model. */
import { z } from "zod";

export const count = z.int().min(0);
export const share = z.number().min(0).max(1);
export const seconds = z.number().min(0);
export const interval = z.tuple([z.number(), z.number()]).describe("[low, high] of the 95 % interval");

const training = z.object({
  preset: z.string(),
  epochs: count,
  steps: count,
  samples: count.describe("Positives and negatives seen, all epochs together"),
  seconds,
  samplesPerSecond: z.number().min(0),
  parameters: count.describe("Trainable values"),
  backend: z.string(),
  arithmetic: z.string().describe("How sums are rounded, such as wasm relaxed fma"),
  threads: count,
  losses: z.array(z.object({ epoch: count, loss: z.number() })).describe("Mean loss of epoch 1, 2, …"),
  curve: z
    .array(z.object({ step: count, loss: z.number() }))
    .describe("Mean loss since the previous point, at most a few hundred points over all steps"),
});

const difference = z.object({
  difference: z.number().describe("HR@10 of the model less that of the other, on the same users and candidates"),
  interval: interval.nullable(),
  pValue: share.describe("Paired permutation test over users, two-sided"),
});

export const comparison = difference.extend({
  model: z.string(),
  other: z.string(),
  fullCatalogue: difference.describe("The same over the full catalogue"),
});

const groupHits = {
  users: count.describe("Tested users in the group, once for each split that tests them"),
  hrAt10: share,
  interval: interval.nullable(),
  fullCatalogueHrAt10: share.nullable().describe("Of those ranked against the full catalogue; null where none was"),
};

const activityQuartile = z.object({
  quartile: z.int().min(1).max(4).describe("1: least active users, 4: most active, by training interactions"),
  minTraining: count,
  maxTraining: count,
  ...groupHits,
});

const popularityGroup = z.object({
  quartile: z
    .int()
    .min(1)
    .max(4)
    .nullable()
    .describe("1: least popular test items, 4: most popular, by training interactions; null: test items without any"),
  minTraining: count,
  maxTraining: count,
  ...groupHits,
});

const fullCatalogue = z.object({
  cases: count,
  hrAt10: share,
  hrAt10Interval: interval,
  ndcgAt10: share,
  ndcgAt10Interval: interval,
});

const corrected = z
  .object({
    cases: count,
    hrAt10: z.number(),
    hrAt10Interval: interval,
    ndcgAt10: z.number(),
    ndcgAt10Interval: interval,
  })
  .describe(
    "What the ranks among the sampled candidates let one expect of the full catalogue, as Krichene and Rendle correct " +
      "sampled metrics; an estimate, which may lie below 0",
  );

const lists = z
  .object({
    lists: count.describe("Lists of ten looked at: one for each user ranked against the full catalogue"),
    coverage: share.describe("Share of the catalogue that is in some list"),
    gini: share.describe("How unevenly catalogue items are recommended: 0 alike, near 1 the same few to everybody"),
    meanPopularity: z.number().min(0).describe("Mean number of training interactions of what is recommended"),
    novelty: z.number().min(0).describe("Mean self-information of what is recommended, in bits"),
    diversity: share
      .nullable()
      .describe("Mean Jaccard distance of the genres of two items of a list; null without genres"),
  })
  .describe("What the recommended lists are like apart from being right");

const cost = z.object({
  fitSeconds: seconds.nullable().describe("Training or fitting; null where it was not timed"),
  modelBytes: count.nullable().describe("The model's file; null where it has none"),
  millisecondsPerRequest: z.number().min(0).nullable().describe("To score all items for one user: the median"),
});

const spread = z.object({
  mean: z.number(),
  standardDeviation: z.number().min(0).describe("Over the seeds, with n − 1"),
  values: z.array(z.number()).describe("In the order of the seeds"),
});

const seedSpread = z
  .object({ seeds: z.array(count), hrAt10: spread, ndcgAt10: spread, fullCatalogueHrAt10: spread })
  .describe("The same model trained under several seeds; the other figures are the first seed's");

export const model = z.object({
  name: z.string(),
  cases: count,
  hrAt10: share.describe("Expected over a random order of tied scores"),
  hrAt10Interval: interval,
  hrAt10Optimistic: share.describe("Ties resolved in the model's favour"),
  hrAt10Pessimistic: share.describe("Ties resolved against the model"),
  ndcgAt10: share,
  ndcgAt10Interval: interval,
  fullCatalogue,
  corrected,
  byActivity: z.array(activityQuartile),
  byPopularity: z.array(popularityGroup),
  byGenre: z
    .array(z.object({ genre: z.string(), ...groupHits }))
    .describe("By genre of the test item, which counts in each of its genres"),
  lists,
  cost,
  seeds: seedSpread.nullable().describe("Null where one seed was judged, or where the model has no random draw"),
  versusPopularity: difference.nullable().describe("Null for popularity itself"),
  training: training.nullable().describe("Null for a model that is counted rather than trained"),
});
