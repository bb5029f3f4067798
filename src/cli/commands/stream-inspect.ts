/** `ncf stream inspect`: what a stream would make of a topic, before anything is set up. */
import { type Command, Option } from "commander";
import { KafkaInteractionLog } from "../../adapters/kafka/kafka-interaction-log.ts";
import { inspectTopic, type TopicInspection } from "../../app/topics/inspect-topic.ts";
import { inspectionText, lengthText } from "../../app/topics/inspection-text.ts";
import { type EventMappingValues, eventMapping, eventMappingOptions, eventMappingWords } from "../event-mapping.ts";
import { type KafkaOptionValues, kafkaConnection, kafkaOptions, kafkaWords } from "../kafka-connection.ts";
import * as options from "../options.ts";
import type { Terminal } from "../terminal.ts";
import { defaultPartitions } from "./topics.ts";

interface InspectValues extends KafkaOptionValues, EventMappingValues {
  readonly topic: string;
  readonly sample: number;
  readonly maxAhead: number;
  readonly json: boolean;
}

export function addInspectCommand(parent: Command, terminal: Terminal): void {
  const command = parent
    .command("inspect")
    .description(
      "Look at the newest records of a topic, without joining a group or writing anything: what parses, whether it is keyed by " +
        "user, how far events come out of order, and the command that streams it.",
    )
    .addOption(new Option("--topic <name>", "topic to look at").default("interactions"))
    .addOption(
      new Option("--sample <n>", "the newest so many records of each partition, a million in all at most")
        .argParser(options.integer(1, 1_000_000))
        .default(100_000),
    )
    .addOption(
      new Option("--max-ahead <time>", "how far an event's time may lie beyond its record's")
        .argParser(options.duration)
        .default(3_600_000, "1h"),
    )
    .addOption(options.jsonOption())
    .action((values: InspectValues) => inspect(values, terminal));
  for (const option of [...eventMappingOptions(), ...kafkaOptions()]) command.addOption(option);
}

async function inspect(values: InspectValues, terminal: Terminal): Promise<void> {
  terminal.useJson(values.json);
  const { topic, sample, maxAhead: maxAheadMs } = values;
  const { signal, progress } = terminal;
  const log = await KafkaInteractionLog.open(kafkaConnection(values));
  try {
    const request = { topic, mapping: eventMapping(values), sample, maxAheadMs, signal };
    const inspection = await inspectTopic({ log, progress }, request);
    const commands = commandsFor(inspection, values);
    terminal.answer(
      { ...inspection, commands },
      [inspectionText(inspection), adviceText(inspection, commands)].join("\n"),
    );
  } finally {
    await log.close();
  }
}

/** What to run next, in this order; none where no event was found. */
function commandsFor({ topic, mapping, suggested, statistics }: TopicInspection, values: InspectValues): string[] {
  if (suggested === null) return [];
  const reach = kafkaWords(values);
  const fields = eventMappingWords(mapping);
  const { graceMs, windowMs } = suggested;
  const sizes = ["--window", lengthText(windowMs), "--grace", lengthText(graceMs)];
  const registry = ["--registry", "ncf-out/registry"];
  if (statistics.keyedByUser !== false) {
    const own = topic === "interactions" ? [] : ["--topic", topic];
    return [shell(["stream", ...reach, ...own, ...fields, ...sizes, ...registry])];
  }
  return [
    shell(["topics", "create", ...reach, "--partitions", String(Math.max(defaultPartitions, suggested.partitions))]),
    shell(["stream", "rekey", ...reach, "--topic", topic, "--to", "interactions", ...fields]),
    shell(["stream", ...reach, ...sizes, ...registry]),
  ];
}

function shell(words: readonly string[]): string {
  const quoted = words.map((word) => (/^[\w./:,=@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`));
  return ["npx ncf", ...quoted].join(" ");
}

function adviceText({ statistics, mapping }: TopicInspection, commands: readonly string[]): string {
  if (commands.length > 0) {
    const copy = commands.length === 1 ? "" : " (the second copies it keyed by user, and goes on beside the third)";
    return `\nRun it with${copy}:\n\n${commands.map((command) => `  ${command}`).join("\n")}\n`;
  }
  if (statistics.records === 0) return "";
  return mapping.fields === undefined
    ? "\nNo mapping could be guessed: say where they lie with --field user=PATH --field item=PATH --field time=PATH."
    : "\nNo event was found with this mapping: compare the reasons above with the records.";
}
