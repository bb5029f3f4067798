/** The options that name our topics, for every command that makes, reads or writes more than one of them. */
import { Option } from "commander";
import { defaultTopics, type StreamTopics } from "../app/stream/stream-settings.ts";

/** All but the input, which each command names in its own way. */
type OwnTopic = Exclude<keyof StreamTopics, "interactions">;

const contents: Readonly<Record<OwnTopic, string>> = {
  outcomes: "tested events",
  late: "late events",
  deadLetters: "records that are no events",
  windowPartials: "what each commit adds to windows",
  windows: "windows' reports",
  modelUpdates: "which model version is in force from when",
};

const ownTopics = Object.keys(contents) as OwnTopic[];

export type TopicOptionValues = { readonly topicPrefix: string } & {
  readonly [topic in OwnTopic as `${topic}Topic`]?: string;
};

/** @param topics those that the command uses, all by default */
export const topicOptions = (...topics: OwnTopic[]) => [
  new Option("--topic-prefix <text>", "put before the name of each of our topics that has no option of its own")
    .env("NCF_TOPIC_PREFIX")
    .default("", "none"),
  ...(topics.length === 0 ? ownTopics : topics).map((topic) => {
    const name = topic.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    const variable = `NCF_${name.replaceAll("-", "_").toUpperCase()}_TOPIC`;
    const text = `topic of ${contents[topic]} (default: ${defaultTopics[topic]})`;
    return new Option(`--${name}-topic <name>`, text).env(variable);
  }),
];

/** @param input one's own topic of interactions; ours, with the prefix, where it is undefined */
export function streamTopics(values: TopicOptionValues, input?: string): StreamTopics {
  const { topicPrefix } = values;
  const own = ownTopics.map((topic) => [topic, values[`${topic}Topic`] ?? topicPrefix + defaultTopics[topic]]);
  return { ...Object.fromEntries(own), interactions: input ?? topicPrefix + defaultTopics.interactions };
}
