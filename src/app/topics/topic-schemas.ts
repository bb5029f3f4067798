/** JSON Schemas of the records of our topics, by the topic's default name. */
import { z } from "zod";
import { wireEventSchema } from "../../streaming/interaction-event.ts";
import { deadLetterSchema, lateEventSchema, outcomeSchema } from "../../streaming/record-schemas.ts";
import { windowPartialSchema } from "../../streaming/window-partial.ts";
import { windowReportSchema } from "../../streaming/window-report.ts";
import { modelUpdateSchema } from "../stream/model-updates.ts";
import { defaultTopics, type StreamTopics } from "../stream/stream-settings.ts";

const schemas: Readonly<Record<keyof StreamTopics, z.ZodType>> = {
  interactions: wireEventSchema,
  outcomes: outcomeSchema,
  late: lateEventSchema,
  deadLetters: deadLetterSchema,
  windowPartials: windowPartialSchema,
  windows: windowReportSchema,
  modelUpdates: modelUpdateSchema,
};

/** The text of each schema's file. */
export function topicJsonSchemas(): ReadonlyMap<string, string> {
  const texts = Object.entries(schemas).map(([key, schema]): [string, string] => {
    const topic = defaultTopics[key as keyof StreamTopics];
    // What a producer may write; all other topics are for readers.
    const io = key === "interactions" ? "input" : "output";
    const document = { title: `A record's value in ${topic}`, ...z.toJSONSchema(schema, { io }) };
    return [topic, `${JSON.stringify(document, null, 2)}\n`];
  });
  return new Map(texts);
}
