/** `ncf stream rekey`: a topic of one's own as one that is keyed by user. */
import { setTimeout as timeout } from "node:timers/promises";
import { type Command, Option } from "commander";
import { KafkaInteractionLog } from "../../adapters/kafka/kafka-interaction-log.ts";
import { grouped } from "../../app/report/number-text.ts";
import { rekeyTopic } from "../../app/topics/rekey-topic.ts";
import type { RekeyCounts } from "../../app/topics/rekeyed-record.ts";
import { type EventMappingValues, eventMapping, eventMappingOptions } from "../event-mapping.ts";
import { type KafkaOptionValues, kafkaConnection, kafkaOptions } from "../kafka-connection.ts";
import * as options from "../options.ts";
import type { Terminal } from "../terminal.ts";

interface RekeyValues extends KafkaOptionValues, EventMappingValues {
  readonly topic: string;
  readonly to: string;
  readonly untilEnd: boolean;
  readonly json: boolean;
}

/** A request is repeated so long before a person is told that the brokers are away. */
const retryMs = 10_000;

export function addRekeyCommand(parent: Command, terminal: Terminal): void {
  const command = parent
    .command("rekey")
    .description(
      "Copy a topic of one's own into one that is keyed by user, exactly once, until Ctrl-C; the same command goes on from " +
        "there. Events become our form; what is none goes along as it is, for the dead letters of ncf stream.",
    )
    .requiredOption("--topic <name>", "topic to copy")
    .addOption(new Option("--to <name>", "topic to copy to; ncf topics create makes it").default("interactions"))
    .option("--until-end", "end where the topic ended when this began", false)
    .addOption(options.jsonOption())
    .action((values: RekeyValues) => rekey(values, terminal));
  for (const option of [...eventMappingOptions(), ...kafkaOptions()]) command.addOption(option);
}

async function rekey(values: RekeyValues, terminal: Terminal): Promise<void> {
  terminal.useJson(values.json);
  const { topic: from, to, untilEnd } = values;
  const { signal, progress } = terminal;
  const log = await KafkaInteractionLog.open({ ...kafkaConnection(values), retryMs });
  try {
    const counts = await rekeyTopic(
      {
        log,
        progress,
        monotonicMs: () => performance.now(),
        sleep: (ms, stop) => timeout(ms, undefined, { signal: stop }).catch(() => undefined),
        onWait: ({ message }, waitMs) =>
          terminal.log(`ncf: ${message}. Trying again in ${waitMs / 1000} s; Ctrl-C stops it.`),
      },
      { from, to, mapping: eventMapping(values), untilEnd, signal },
    );
    terminal.answer({ from, to, ...counts }, copiedText(from, to, counts));
  } finally {
    await log.close();
  }
}

function copiedText(from: string, to: string, { events, invalid, tombstones, leftOut }: RekeyCounts): string {
  return (
    `${from}: copied ${grouped(events)} events to ${to}, and ${grouped(invalid)} records that are none; ` +
    `left aside ${grouped(tombstones)} without a value and ${grouped(leftOut)} that --only leaves out.`
  );
}
