/** `ncf topics`: what a stream needs on Kafka. */
import { type Command, Option } from "commander";
import { KafkaInteractionLog } from "../../adapters/kafka/kafka-interaction-log.ts";
import type { CreatedTopic } from "../../app/stream/stream-settings.ts";
import { createStreamTopics } from "../../app/topics/create-topics.ts";
import { type KafkaOptionValues, kafkaConnection, kafkaOptions } from "../kafka-connection.ts";
import * as options from "../options.ts";
import { streamTopics, type TopicOptionValues, topicOptions } from "../stream-topics.ts";
import type { Terminal } from "../terminal.ts";

interface CreateValues extends KafkaOptionValues {
  readonly input?: string;
  readonly partitions: number;
  readonly replicationFactor?: number;
  readonly json: boolean;
}

export const defaultPartitions = 4;

export function addTopicsCommands(program: Command, terminal: Terminal): void {
  const topics = program.command("topics").description("Make the topics of a stream on Kafka.");
  const create = topics
    .command("create")
    .description("Make the topics that are not there yet; those that are there stay as they are.")
    .addOption(
      new Option(
        "--input <topic>",
        "one's own topic of interactions: ours is not made, the others have its partitions",
      ),
    )
    .addOption(
      new Option("--partitions <n>", "of interactions, outcomes, late and dead-letters: the most processors at work")
        .argParser(options.integer(1, 10_000))
        .default(defaultPartitions)
        .conflicts("input"),
    )
    .addOption(
      new Option("--replication-factor <n>", "copies of each record (default: as the brokers are set)").argParser(
        options.integer(1, 100),
      ),
    )
    .addOption(options.jsonOption())
    .action((values: CreateValues & TopicOptionValues) => createOnKafka(values, terminal));
  for (const option of [...kafkaOptions(), ...topicOptions()]) create.addOption(option);
}

async function createOnKafka(values: CreateValues & TopicOptionValues, terminal: Terminal): Promise<void> {
  terminal.useJson(values.json);
  const { input, partitions, replicationFactor } = values;
  const log = await KafkaInteractionLog.open({
    ...kafkaConnection(values),
    ...(replicationFactor === undefined ? {} : { replicationFactor }),
  });
  try {
    const topics = streamTopics(values, input);
    const created = await createStreamTopics(log, { topics, partitions, ownInput: input !== undefined });
    terminal.answer({ topics: created }, createdText(created));
  } finally {
    await log.close();
  }
}

function createdText(created: readonly CreatedTopic[]): string {
  const width = Math.max(...created.map(({ topic }) => topic.length));
  const line = ({ topic, partitions, made }: CreatedTopic): string =>
    `${topic.padEnd(width)}  ${made ? "made" : "was there"}, ${partitions} ${partitions === 1 ? "partition" : "partitions"}`;
  return created.map(line).join("\n");
}
