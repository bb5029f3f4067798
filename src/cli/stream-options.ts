/** What `ncf stream` is told: each option may come from the environment, too. */
import { Option } from "commander";
import type { StreamFrom } from "../app/stream/stream-start.ts";
import { NcfError } from "../core/errors.ts";
import { promotionDefaults } from "../streaming/promotion-rule.ts";
import type { EventMappingValues } from "./event-mapping.ts";
import type { KafkaOptionValues } from "./kafka-connection.ts";
import * as options from "./options.ts";

export interface StreamValues extends KafkaOptionValues, EventMappingValues {
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
  readonly trainWindows?: number;
  readonly keepInterval: number;
  readonly reportInterval: number;
  readonly registryInterval: number;
  readonly promotionEvents: number;
  readonly promotionUsers: number;
  readonly promotionMargin: number;
  readonly seed: number;
  readonly port: number;
  readonly host: string;
  readonly allowName: string[];
  readonly json: boolean;
}

export const streamOptions = (): Option[] => [
  new Option("--registry <dir>", "registry whose champion is tested: OUT/registry of ncf run, or s3://BUCKET").env(
    "NCF_REGISTRY",
  ),
  new Option(
    "--store <dir>",
    "folder or s3://BUCKET for snapshots and reports, the same for all members (default: --registry)",
  ).env("NCF_STORE"),
  new Option("--topic <name>", "topic of interactions, keyed by user (default: interactions)").env("NCF_TOPIC"),
  new Option("--group <name>", "consumer group; another one tests the topic anew")
    .env("NCF_STREAM_GROUP")
    .default("ncf-stream"),
  new Option("--window <time>", "size of a window of event time, such as 1d or 12h")
    .env("NCF_WINDOW")
    .argParser(options.duration)
    .default(86_400_000, "1d"),
  new Option("--advance <time>", "from one window's start to the next's (default: the size)")
    .env("NCF_ADVANCE")
    .argParser(options.duration),
  new Option("--grace <time>", "how long a window waits for late events, in event time")
    .env("NCF_GRACE")
    .argParser(options.duration)
    .default(3_600_000, "1h"),
  new Option("--from <place>", "where a new group begins: earliest, latest, or a time such as 2026-01-31T12:00:00Z")
    .env("NCF_FROM")
    .argParser(streamFrom)
    .default("earliest"),
  new Option("--max-ahead <time>", "how far an event's time may lie beyond its record's; what does is a dead letter")
    .env("NCF_MAX_AHEAD")
    .argParser(options.duration)
    .default(3_600_000, "1h"),
  new Option("--idle-timeout <time>", "a partition without records for so long holds no window back")
    .env("NCF_IDLE_TIMEOUT")
    .argParser(options.duration)
    .default(60_000, "1m"),
  new Option("--commit-interval <ms>", "from one commit to the next, in milliseconds")
    .env("NCF_COMMIT_INTERVAL")
    .argParser(options.integer(1, 60_000))
    .default(1_000),
  new Option("--commit-records <n>", "records of a commit at most")
    .env("NCF_COMMIT_RECORDS")
    .argParser(options.integer(1, 10_000))
    .default(1_000),
  new Option("--snapshot-records <n>", "records of a partition between two snapshots of its state")
    .env("NCF_SNAPSHOT_RECORDS")
    .argParser(options.integer(1))
    .default(200_000),
  // At a commit a second and partition, some minutes.
  new Option("--snapshot-partials <n>", "commits of partitions between two snapshots of the windows")
    .env("NCF_SNAPSHOT_PARTIALS")
    .argParser(options.integer(1))
    .default(1_000),
  new Option("--session-timeout <ms>", "a member not heard of for so long is taken for dead, in milliseconds")
    .env("NCF_SESSION_TIMEOUT")
    .argParser(options.integer(1_000, 1_800_000))
    .default(20_000),
  new Option(
    "--jobs <dir>",
    "training requests, for ncf worker: a folder, or the URL of an SQS queue; interactions are kept in --store",
  ).env("NCF_JOBS"),
  new Option("--train-every <n>", "records that no version has learnt, for which a training is asked for")
    .env("NCF_TRAIN_EVERY")
    .argParser(options.integer(1))
    .default(50_000),
  new Option(
    "--train-windows <n>",
    "final windows that no version has learnt, for which one is asked for, too (default: none)",
  )
    .env("NCF_TRAIN_WINDOWS")
    .argParser(options.integer(1)),
  new Option(
    "--keep-interval <time>",
    "from one chunk of kept interactions to the next, and from one look for new versions",
  )
    .env("NCF_KEEP_INTERVAL")
    .argParser(options.duration)
    .default(300_000, "5m"),
  new Option("--report-interval <time>", "from one storing of windows' reports in --store to the next")
    .env("NCF_REPORT_INTERVAL")
    .argParser(options.duration)
    .default(10_000, "10s"),
  new Option("--registry-interval <time>", "from one look at the registry's champion to the next")
    .env("NCF_REGISTRY_INTERVAL")
    .argParser(options.duration)
    .default(5_000, "5s"),
  new Option(
    "--promotion-events <n>",
    "events on which a new version and the champion are compared before one is chosen",
  )
    .env("NCF_PROMOTION_EVENTS")
    .argParser(options.integer(1))
    .default(promotionDefaults.leastCases),
  new Option("--promotion-users <n>", "users of these events at least")
    .env("NCF_PROMOTION_USERS")
    .argParser(options.integer(2))
    .default(promotionDefaults.leastUsers),
  new Option("--promotion-margin <share>", "how much worse, at most, a new version's HR@10 may be, at 95 % confidence")
    .env("NCF_PROMOTION_MARGIN")
    .argParser(options.share)
    .default(promotionDefaults.margin),
  options.seedOption(),
  new Option("--port <n>", "port of /health, /ready and /metrics, 0 for any free one")
    .env("NCF_PORT")
    .argParser(options.integer(0, 65_535))
    .default(9464),
  new Option("--host <address>", "address of /health, /ready and /metrics; 0.0.0.0 lets the whole network in")
    .env("NCF_HOST")
    .default("127.0.0.1"),
  new Option("--json", "log one JSON object a line on stderr, and print one JSON report a line").env("NCF_JSON"),
];

function streamFrom(text: string): StreamFrom {
  if (text === "earliest" || text === "latest") return text;
  const timeMs = Date.parse(text);
  if (/^\d{4}-\d\d-\d\d/.test(text) && Number.isFinite(timeMs)) return { timeMs };
  throw new NcfError(
    "USAGE",
    `--from: expected earliest, latest, or a time such as 2026-01-31T12:00:00Z, found "${text}"`,
  );
}
