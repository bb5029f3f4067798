/** `ncf stream`: a member of the group that tests interactions on Kafka as they come. */
import { setTimeout as timeout } from "node:timers/promises";
import type { Command } from "commander";
import { KafkaStreamGroup } from "../../adapters/kafka/kafka-stream-group.ts";
import { startHttpServer } from "../../adapters/local/http-server.ts";
import { ParquetInteractionChunks } from "../../adapters/parquet/parquet-interaction-chunks.ts";
import { ObjectStoreRegistry } from "../../adapters/registry/object-store-registry.ts";
import { ModelUpdates } from "../../app/stream/model-updates.ts";
import { retrying } from "../../app/stream/retrying.ts";
import type { StreamEvent } from "../../app/stream/stream-events.ts";
import { runStreamMember } from "../../app/stream/stream-member.ts";
import { startStream } from "../../app/stream/stream-start.ts";
import { StreamStatus } from "../../app/stream/stream-status.ts";
import { StreamVersions } from "../../app/stream/stream-versions.ts";
import { aborted } from "../../core/aborted.ts";
import { NcfError } from "../../core/errors.ts";
import { createScorer } from "../../ncf/wasm/scorer.ts";
import { TimeWindows } from "../../streaming/time-windows.ts";
import { eventMapping, eventMappingOptions } from "../event-mapping.ts";
import { kafkaConnection, kafkaOptions } from "../kafka-connection.ts";
import { openLogWhenThere } from "../kafka-log.ts";
import { jobQueueAt, storeAt } from "../places.ts";
import { createStreamHttp } from "../stream-http.ts";
import { streamLog } from "../stream-log.ts";
import { type StreamValues, streamOptions } from "../stream-options.ts";
import { streamTopics, type TopicOptionValues, topicOptions } from "../stream-topics.ts";
import type { Terminal } from "../terminal.ts";
import { addInspectCommand } from "./stream-inspect.ts";
import { addRekeyCommand } from "./stream-rekey.ts";

export function addStreamCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command("stream")
    .description(
      "Test the champion on interactions from Kafka as they come, and report HR@10 by windows of event time, until Ctrl-C or " +
        "SIGTERM. Start as many as the topic has partitions: they share the work.",
    )
    .action((values: StreamValues & TopicOptionValues) => stream(values, terminal));
  for (const option of [...streamOptions(), ...eventMappingOptions(), ...kafkaOptions(), ...topicOptions()])
    command.addOption(option);
  // What stands behind the name of a subcommand is the subcommand's.
  command.enablePositionalOptions();
  addInspectCommand(command, terminal);
  addRekeyCommand(command, terminal);
}

async function stream(values: StreamValues & TopicOptionValues, terminal: Terminal): Promise<void> {
  const { signal } = terminal;
  const connection = kafkaConnection(values);
  const { group, host, port, registry: registryPlace } = values;
  if (registryPlace === undefined) {
    throw new NcfError(
      "USAGE",
      "expected --registry DIR or NCF_REGISTRY, found neither: OUT/registry of ncf run, or s3://BUCKET",
    );
  }
  const topics = streamTopics(values, values.topic);
  const windows = TimeWindows.ofSizeAndGrace(values.window, values.grace).advanceBy(values.advance ?? values.window);
  const store = await storeAt(values.store ?? registryPlace);
  const registry = new ObjectStoreRegistry(await storeAt(registryPlace));
  const log = await openLogWhenThere(connection, { signal, log: terminal.log }).catch((error: unknown) => {
    // To be stopped is a stream's end, and no failure.
    if (signal.aborted) return null;
    throw error;
  });
  if (log === null) return;
  try {
    const status = new StreamStatus(Date.now);
    const say = streamLog(terminal, values.json === true);
    const onEvent = (event: StreamEvent): void => {
      status.observe(event);
      say(event);
    };
    const lag = async (partition: number, offset: number): Promise<number | null> => {
      const end = await log.endOffset(topics.interactions, partition).catch(() => null);
      return end === null ? null : Math.max(0, end - offset);
    };
    const training =
      values.jobs === undefined
        ? {}
        : {
            training: {
              chunksOf: (of: string, partition: number) =>
                new ParquetInteractionChunks(store, `interactions/${of}/${partition}/`),
              queue: await jobQueueAt(values.jobs),
              nowMs: Date.now,
            },
          };
    const server = await startHttpServer(createStreamHttp({ status, group, lag, nowMs: Date.now }), {
      port,
      host,
      onError: (error) => terminal.log(`ncf: ${String(error)}`),
    });
    terminal.log(`Group ${group} on topic ${topics.interactions}; ${server.url}/health and /metrics.`);
    const groups = new KafkaStreamGroup({ ...connection, sessionTimeoutMs: values.sessionTimeout });
    const sleep = (ms: number, until: AbortSignal) => timeout(ms, undefined, { signal: until }).catch(() => {});
    const versions = new StreamVersions({ registry, topic: topics.interactions, createScorer });
    const promotions = { registry, versions, updates: new ModelUpdates(log, topics.modelUpdates) };
    const deps = { log, store, promotions, ...training, groups, onEvent, monotonicMs: () => performance.now(), sleep };
    try {
      const starting = retrying({ ...deps, who: "start", signal }, () =>
        startStream(
          { log, store, registry, versions },
          {
            group,
            topics,
            windows,
            mapping: eventMapping(values),
            from: values.from,
            seed: values.seed,
            maxAheadMs: values.maxAhead,
            commitRecords: values.commitRecords,
            commitIntervalMs: values.commitInterval,
            snapshotRecords: values.snapshotRecords,
            snapshotPartials: values.snapshotPartials,
            idleTimeoutMs: values.idleTimeout,
            keepIntervalMs: values.keepInterval,
            reportIntervalMs: values.reportInterval,
            registryIntervalMs: values.registryInterval,
            trainEvery: values.trainEvery,
            trainWindows: values.trainWindows ?? null,
            promotion: {
              leastCases: values.promotionEvents,
              leastUsers: values.promotionUsers,
              margin: values.promotionMargin,
            },
          },
        ),
      );
      // Nothing is begun before that could be left half done.
      const settings = await Promise.race([starting, aborted(signal)]);
      if (settings !== undefined) await runStreamMember(deps, settings, signal);
    } finally {
      await server.close();
    }
    terminal.log(`Left group ${group}; all that was read is committed.`);
  } finally {
    await log.close();
  }
}
