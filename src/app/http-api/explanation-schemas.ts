/** What the API takes and gives of why items are recommended. */
import { z } from "zod";

const what = "Whether to say what speaks for each item: attributes and because";

/** In a query string. */
export const explainText = z
  .enum(["true", "false"], "expected true or false")
  .transform((text) => text === "true")
  .pipe(z.boolean())
  .default(false)
  .describe(what);

/** In a body. */
export const explainFlag = z.boolean().default(false).describe(what);

const reason = z.object({
  itemId: z.string(),
  title: z.string().nullable(),
  effect: z
    .number()
    .describe("How much lower the score would be without it, for a user who is known by their history alone"),
});

/** Fields of a recommended item, there when asked for. */
export const explanation = {
  attributes: z.number().optional().describe("What genres and period add to the score"),
  because: z
    .array(reason)
    .readonly()
    .optional()
    .describe("Of the user's newest items those that carry the score most, at most three"),
};
