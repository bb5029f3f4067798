/** What the API takes and gives. Requests are checked strictly: an unknown field is an error, not a silent nothing. */
import { z } from "zod";
import { maxIdBytes } from "../../core/ids.ts";
import { windowReportSchema } from "../../streaming/window-report.ts";
import { bases } from "../serving/recommendation-service.ts";
import { explainFlag, explainText, explanation } from "./explanation-schemas.ts";

const maxRecommendations = 1000;
const maxRecentItems = 1000;
const maxScoredItems = 10_000;
const maxInteractions = 1000;
const maxListed = 1000;
/** The last moment that a JavaScript date can hold. */
const maxTimestampMs = 8.64e15;

const encoder = new TextEncoder();
const idMessage = `expected an id of 1 to ${maxIdBytes} bytes`;
const id = (what: string) =>
  z
    .string()
    .min(1, idMessage)
    .max(maxIdBytes, { error: idMessage, abort: true })
    .refine((text) => encoder.encode(text).length <= maxIdBytes, idMessage)
    .describe(what);
const userId = id("The user's id, as the data set or the client writes it");
const itemId = id("The item's id, as the data set writes it");

/** An integer in a query string. */
const integerText = (min: number, max: number, byDefault: number, what: string) => {
  const message = `expected an integer from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,9}$/, message)
    .transform(Number)
    .pipe(z.int().min(min, message).max(max, message))
    .default(byDefault)
    .describe(what);
};

export const userPath = z.strictObject({ id: userId });
export const recommendationsQuery = z.strictObject({
  k: integerText(1, maxRecommendations, 10, "How many items"),
  explain: explainText,
});
export const historyQuery = z.strictObject({
  limit: integerText(1, maxListed, 100, "How many items, the newest first"),
});
export const itemsQuery = z.strictObject({
  query: z.string().max(200).default("").describe("Words of the title; the most popular items without"),
  limit: integerText(1, 100, 20, "How many items"),
});
export const usersQuery = z.strictObject({
  prefix: z.string().max(maxIdBytes).default("").describe("How the user's id starts"),
  limit: integerText(1, maxListed, 20, "How many users"),
});
export const noQuery = z.strictObject({});

export const recommendationRequest = z
  .strictObject({
    userId: userId.optional(),
    recentItems: z
      .array(itemId)
      .max(maxRecentItems)
      .describe("What the user has just touched, oldest first: counts in this answer only"),
    k: z.int().min(1).max(maxRecommendations).default(10),
    explain: explainFlag,
  })
  .meta({ id: "RecommendationRequest" });

export const scoreRequest = z
  .strictObject({ userId, itemIds: z.array(itemId).max(maxScoredItems) })
  .meta({ id: "ScoreRequest" });

const interaction = z
  .strictObject({
    userId,
    itemId,
    timestampMs: z
      .int()
      .min(0)
      .max(maxTimestampMs)
      .optional()
      .describe("Milliseconds since 1970 UTC, at most a minute ahead of the server's clock; now by default"),
  })
  .meta({ id: "Interaction" });
export const interactionsRequest = z
  .union([z.strictObject({ interactions: z.array(interaction).min(1).max(maxInteractions) }), interaction])
  .meta({ id: "Interactions" });

const catalogueItem = z.object({
  itemId: z.string(),
  title: z.string().nullable().describe("Null where the data set has none"),
  genres: z.array(z.string()).readonly(),
});
const version = z.string().describe("The model's version");
const basis = z
  .enum(bases)
  .describe(
    "model: the user as training left them; foldIn: what the user did since counts, too; popularity: nothing is known of the user",
  );

export const recommendations = z
  .object({
    version,
    basis,
    items: z
      .array(catalogueItem.extend({ score: z.number().describe("Only the order counts"), ...explanation }))
      .describe("Best first, ties by id; nothing that the user has touched"),
  })
  .meta({ id: "Recommendations" });

export const scores = z
  .object({
    version,
    basis,
    scores: z
      .array(z.object({ itemId: z.string(), score: z.number().nullable().describe("Null for an unknown item") }))
      .describe("In the order asked for"),
  })
  .meta({ id: "Scores" });

export const recordOutcome = z
  .object({
    recorded: z.int(),
    repeats: z.int().describe("On items that the user had touched before: nothing changes"),
    unknownItems: z.int().describe("Of the recorded, those on items that the model does not know"),
  })
  .meta({ id: "RecordOutcome" });

export const accepted = z
  .object({ accepted: z.int().describe("Interactions that are in the log") })
  .meta({ id: "Accepted" });

export const history = z
  .object({
    userId: z.string(),
    known: z.boolean().describe("Whether anything is known of the user"),
    total: z.int(),
    items: z
      .array(
        catalogueItem.extend({
          timestampMs: z.number(),
          recorded: z.boolean().describe("Whether it came through POST /interactions"),
        }),
      )
      .describe("The newest first"),
  })
  .meta({ id: "History" });

export const items = z
  .object({ items: z.array(catalogueItem.extend({ interactions: z.int() })) })
  .meta({ id: "Items" });

export const users = z
  .object({ users: z.array(z.object({ userId: z.string(), interactions: z.int() })) })
  .meta({ id: "Users" });

export const windows = z
  .object({
    windows: z
      .array(windowReportSchema.meta({ id: "WindowReport" }))
      .describe("Oldest first; empty before the first one"),
  })
  .meta({ id: "Windows" });

export const lastEventId = z.object({
  "Last-Event-ID": z
    .string()
    .max(200)
    .optional()
    .describe("The id of the last event that was taken: only what changed since is sent, if this process sent it"),
});
export const windowEvents = z
  .string()
  .describe(
    "Server-sent events. `start`, data `{source}`: stream, or replay for one that has ended; forget the windows known so far. " +
      "`reading`, data `{reading}`: whether the stream's reports are being read just now. `window`, with an id, data a " +
      "WindowReport: it takes the place of the one with the same startMs. A client that is behind gets the latest of each " +
      "window only. A comment every 15 s shows that the connection lives",
  );

export const champion = z
  .object({
    version,
    name: z.string().describe("The preset"),
    dataset: z.object({
      name: z.string(),
      generated: z.boolean().describe("Whether no person gave these ratings"),
      users: z.int(),
      items: z.int(),
      interactions: z.int(),
    }),
    published: z
      .object({
        revision: z.int().describe("How often the champion has moved"),
        judged: z
          .object({ hrAt10: z.number(), ndcgAt10: z.number(), cases: z.int(), popularityHrAt10: z.number() })
          .nullable()
          .describe("What the judgement of the same settings gave: tested users and their metrics"),
      })
      .nullable()
      .describe("Null for a model that comes from no registry"),
  })
  .meta({ id: "Champion" });

export const health = z.object({ status: z.literal("ok"), version }).meta({ id: "Health" });
