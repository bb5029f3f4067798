/** `ncf stream`: a member of the group that tests interactions on Kafka as they come. */
import { setTimeout as timeout } from "node:timers/promises";
import { type Command, Option } from "commander";
import { KafkaStreamGroup } from "../../adapters/kafka/kafka-stream-group.ts";
import { FileJobQueue } from "../../adapters/local/file-job-queue.ts";
import { FileObjectStore } from "../../adapters/local/file-object-store.ts";
import { startHttpServer } from "../../adapters/local/http-server.ts";
import { ParquetInteractionChunks } from "../../adapters/parquet/parquet-interaction-chunks.ts";
import { ObjectStoreRegistry } from "../../adapters/registry/object-store-registry.ts";
import { ModelUpdates } from "../../app/stream/model-updates.ts";
import { retrying } from "../../app/stream/retrying.ts";
import type { StreamEvent } from "../../app/stream/stream-events.ts";
import { runStreamMember } from "../../app/stream/stream-member.ts";
import { type StreamFrom, startStream } from "../../app/stream/stream-start.ts";
import { StreamStatus } from "../../app/stream/stream-status.ts";
import { StreamVersions } from "../../app/stream/stream-versions.ts";
import { NcfError } from "../../core/errors.ts";
import { createScorer } from "../../ncf/wasm/scorer.ts";
import { TimeWindows } from "../../streaming/time-windows.ts";
import { type EventMappingValues, eventMapping, eventMappingOptions } from "../event-mapping.ts";
import { type KafkaOptionValues, kafkaConnection, kafkaOptions } from "../kafka-connection.ts";
import { openLogWhenThere } from "../kafka-log.ts";
import * as options from "../options.ts";
import { createStreamHttp } from "../stream-http.ts";
import { streamLog } from "../stream-log.ts";
import { streamTopics, type TopicOptionValues, topicOptions } from "../stream-topics.ts";
import type { Terminal } from "../terminal.ts";
import { addInspectCommand } from "./stream-inspect.ts";
import { addRekeyCommand } from "./stream-rekey.ts";

interface StreamValues extends KafkaOptionValues, EventMappingValues {
  readonly topic?: string;
  readonly group: string;
  readonly registry?: string;
  readonly store?: string;
  readonly window: number;
  readonly advance?: number;
  readonly grace: number;
  readonly from: StreamFrom;
  readonly maxAhead: number;
  readonly idleTimeout: number;
  readonly commitInterval: number;
  readonly commitRecords: number;
  readonly snapshotRecords: number;
  readonly snapshotPartials: number;
  readonly sessionTimeout: number;
  readonly jobs?: string;
  readonly trainEvery: number;
  readonly keepInterval: number;
  readonly seed: number;
  readonly port: number;
  readonly host: string;
  readonly allowName: string[];
  readonly json: boolean;
}

export function addStreamCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command("stream")
    .description(
      "Test the champion on interactions from Kafka as they come, and report HR@10 by windows of event time, until Ctrl-C or " +
        "SIGTERM. Start as many as the topic has partitions: they share the work.",
    )
    .addOption(
      new Option("--registry <dir>", "registry whose champion is tested: OUT/registry of ncf run").env("NCF_REGISTRY"),
    )
    .addOption(
      new Option(
        "--store <dir>",
        "folder for snapshots and reports, the same for all members (default: --registry)",
      ).env("NCF_STORE"),
    )
    .addOption(
      new Option("--topic <name>", "topic of interactions, keyed by user (default: interactions)").env("NCF_TOPIC"),
    )
    .addOption(
      new Option("--group <name>", "consumer group; another one tests the topic anew")
        .env("NCF_STREAM_GROUP")
        .default("ncf-stream"),
    )
    .addOption(
      new Option("--window <time>", "size of a window of event time, such as 1d or 12h")
        .env("NCF_WINDOW")
        .argParser(options.duration)
        .default(86_400_000, "1d"),
    )
    .addOption(
      new Option("--advance <time>", "from one window's start to the next's (default: the size)")
        .env("NCF_ADVANCE")
        .argParser(options.duration),
    )
    .addOption(
      new Option("--grace <time>", "how long a window waits for late events, in event time")
        .env("NCF_GRACE")
        .argParser(options.duration)
        .default(3_600_000, "1h"),
    )
    .addOption(
      new Option("--from <place>", "where a new group begins: earliest, latest, or a time such as 2026-01-31T12:00:00Z")
        .env("NCF_FROM")
        .argParser(streamFrom)
        .default("earliest"),
    )
    .addOption(
      new Option(
        "--max-ahead <time>",
        "how far an event's time may lie beyond its record's; what does is a dead letter",
      )
        .env("NCF_MAX_AHEAD")
        .argParser(options.duration)
        .default(3_600_000, "1h"),
    )
    .addOption(
      new Option("--idle-timeout <time>", "a partition without records for so long holds no window back")
        .env("NCF_IDLE_TIMEOUT")
        .argParser(options.duration)
        .default(60_000, "1m"),
    )
    .addOption(
      new Option("--commit-interval <ms>", "from one commit to the next, in milliseconds")
        .env("NCF_COMMIT_INTERVAL")
        .argParser(options.integer(1, 60_000))
        .default(1_000),
    )
    .addOption(
      new Option("--commit-records <n>", "records of a commit at most")
        .env("NCF_COMMIT_RECORDS")
        .argParser(options.integer(1, 10_000))
        .default(1_000),
    )
    .addOption(
      new Option("--snapshot-records <n>", "records of a partition between two snapshots of its state")
        .env("NCF_SNAPSHOT_RECORDS")
        .argParser(options.integer(1))
        .default(200_000),
    )
    .addOption(
      // At a commit a second and partition, some minutes.
      new Option("--snapshot-partials <n>", "commits of partitions between two snapshots of the windows")
        .env("NCF_SNAPSHOT_PARTIALS")
        .argParser(options.integer(1))
        .default(1_000),
    )
    .addOption(
      new Option("--session-timeout <ms>", "a member not heard of for so long is taken for dead, in milliseconds")
        .env("NCF_SESSION_TIMEOUT")
        .argParser(options.integer(1_000, 1_800_000))
        .default(20_000),
    )
    .addOption(
      new Option(
        "--jobs <dir>",
        "folder of training requests, for ncf worker: interactions are kept in --store and trainings asked for",
      ).env("NCF_JOBS"),
    )
    .addOption(
      new Option("--train-every <n>", "records that no version has learnt, for which a training is asked for")
        .env("NCF_TRAIN_EVERY")
        .argParser(options.integer(1))
        .default(50_000),
    )
    .addOption(
      new Option("--keep-interval <time>", "from one chunk of kept interactions to the next")
        .env("NCF_KEEP_INTERVAL")
        .argParser(options.duration)
        .default(300_000, "5m"),
    )
    .addOption(options.seedOption())
    .addOption(
      new Option("--port <n>", "port of /health, /ready and /metrics, 0 for any free one")
        .env("NCF_PORT")
        .argParser(options.integer(0, 65_535))
        .default(9464),
    )
    .addOption(
      new Option("--host <address>", "address of /health, /ready and /metrics; 0.0.0.0 lets the whole network in")
        .env("NCF_HOST")
        .default("127.0.0.1"),
    )
    .addOption(
      new Option("--json", "log one JSON object a line on stderr, and print one JSON report a line").env("NCF_JSON"),
    )
    .action((values: StreamValues & TopicOptionValues) => stream(values, terminal));
  for (const option of [...eventMappingOptions(), ...kafkaOptions(), ...topicOptions()]) command.addOption(option);
  // What stands behind the name of a subcommand is the subcommand's.
  command.enablePositionalOptions();
  addInspectCommand(command, terminal);
  addRekeyCommand(command, terminal);
}

/** As `ncf worker` has it. */
const trainingReceives = 3;

async function stream(values: StreamValues & TopicOptionValues, terminal: Terminal): Promise<void> {
  const { signal } = terminal;
  const connection = kafkaConnection(values);
  const { group, host, port, registry: registryFolder } = values;
  if (registryFolder === undefined) {
    throw new NcfError("USAGE", "expected --registry DIR or NCF_REGISTRY, found neither: OUT/registry of ncf run");
  }
  const topics = streamTopics(values, values.topic);
  const windows = TimeWindows.ofSizeAndGrace(values.window, values.grace).advanceBy(values.advance ?? values.window);
  const store = new FileObjectStore(values.store ?? registryFolder);
  const registry = new ObjectStoreRegistry(new FileObjectStore(registryFolder));
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
    const server = await startHttpServer(createStreamHttp({ status, group, lag, nowMs: Date.now }), {
      port,
      host,
      onError: (error) => terminal.log(`ncf: ${String(error)}`),
    });
    terminal.log(`Group ${group} on topic ${topics.interactions}; ${server.url}/health and /metrics.`);
    const groups = new KafkaStreamGroup({ ...connection, sessionTimeoutMs: values.sessionTimeout });
    const sleep = (ms: number, until: AbortSignal) => timeout(ms, undefined, { signal: until }).catch(() => {});
    const versions = new StreamVersions({ registry, createScorer });
    const promotions = { registry, versions, updates: new ModelUpdates(log, topics.modelUpdates) };
    const training =
      values.jobs === undefined
        ? {}
        : {
            training: {
              chunksOf: (of: string, partition: number) =>
                new ParquetInteractionChunks(store, `interactions/${of}/${partition}/`),
              queue: new FileJobQueue(values.jobs, { maxReceives: trainingReceives }),
              nowMs: Date.now,
            },
          };
    const deps = { log, store, promotions, ...training, groups, onEvent, monotonicMs: () => performance.now(), sleep };
    try {
      const settings = await retrying({ ...deps, who: "start", signal }, () =>
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
            trainEvery: values.trainEvery,
          },
        ),
      );
      if (settings !== undefined) await runStreamMember(deps, settings, signal);
    } finally {
      await server.close();
    }
    terminal.log(`Left group ${group}; all that was read is committed.`);
  } finally {
    await log.close();
  }
}

function streamFrom(text: string): StreamFrom {
  if (text === "earliest" || text === "latest") return text;
  const timeMs = Date.parse(text);
  if (/^\d{4}-\d\d-\d\d/.test(text) && Number.isFinite(timeMs)) return { timeMs };
  throw new NcfError(
    "USAGE",
    `--from: expected earliest, latest, or a time such as 2026-01-31T12:00:00Z, found "${text}"`,
  );
}
