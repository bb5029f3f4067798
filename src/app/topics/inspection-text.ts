/** What an inspection found, for people. */
import { compact, grouped, percent } from "../report/number-text.ts";
import { printable } from "../report/printable.ts";
import type { TopicInspection } from "./inspect-topic.ts";
import type { TopicStatistics } from "./topic-statistics.ts";

const shownReasons = 5;

export function inspectionText(inspection: TopicInspection): string {
  const { topic, partitions, offsets, samplePerPartition, statistics, mappingSuggested } = inspection;
  const { records, recordsPerSecond } = statistics;
  const rate = recordsPerSecond === null ? "" : `, ${compact(recordsPerSecond)} records/s by their own times`;
  const mapping = mappingSuggested ? [line("mapping", `suggested, please check: ${mappingText(inspection)}`)] : [];
  return [
    `${topic}: ${grouped(offsets)} offsets in ${grouped(partitions)} ${partitions === 1 ? "partition" : "partitions"}; ` +
      `looked at the newest ${grouped(records)} records (up to ${grouped(samplePerPartition)} of each partition)${rate}.`,
    ...mapping,
    ...eventLines(statistics),
    ...inspection.kindFields.map(({ path, values }) => {
      const found = values.map(({ value, count }) => `${printable(value)} (${count})`).join(", ");
      return line("kinds", `${printable(path)}: ${found}; --only ${printable(path)}=VALUE takes one`);
    }),
    ...suggestionLines(inspection),
  ].join("\n");
}

function eventLines(statistics: TopicStatistics): string[] {
  const { records, events, invalid, tombstones, leftOut, endOfStream, ahead, reasons } = statistics;
  if (records === 0) return ["No records: nothing more can be told."];
  const others = [
    [tombstones, "without a value"],
    [leftOut, "left out by --only"],
    [endOfStream, "that end a replay"],
    [ahead, "ahead of their record's time by more than --max-ahead (dead letters)"],
  ] as const;
  const skipped = others.filter(([count]) => count > 0).map(([count, what]) => `${grouped(count)} ${what}`);
  const read = events + ahead;
  const share = read + invalid === 0 ? "none" : percent(read / (read + invalid), 2);
  const rows = [line("parsed", [`${share} (${grouped(invalid)} are no events)`, ...skipped].join("; "))];
  for (const { count, example } of reasons.slice(0, shownReasons)) {
    rows.push(line("", `${grouped(count)} such as: ${printable(example)}`));
  }
  return events === 0 ? rows : [...rows, ...streamLines(statistics)];
}

function streamLines(statistics: TopicStatistics): string[] {
  const { events, users, firstEventMs, lastEventMs, repeats, disorderMs } = statistics;
  const rows = [
    line("event time", `${timeText(firstEventMs)} to ${timeText(lastEventMs)}`),
    line("users", `${grouped(users)}; ${keyText(statistics)}`),
    line(
      "repeats",
      `${percent(repeats / events)} of the events are on an item that the user had touched in the sample`,
    ),
  ];
  if (disorderMs !== null) {
    const { p50, p99, max } = disorderMs;
    const texts = [p50, p99, max].map(lengthText);
    rows.push(line("disorder", `behind stream time by ${texts[0]} (median), ${texts[1]} (99 %), ${texts[2]} (most)`));
  }
  return rows;
}

function keyText(statistics: TopicStatistics): string {
  const { keyedByUser, defaultPartitionShare, usersInSeveralPartitions } = statistics;
  const share = `${percent(defaultPartitionShare ?? 0)} of the events lie in Kafka's default partition for the user's id`;
  if (keyedByUser === null) return `too few events of one user to tell whether it is keyed by user; ${share}`;
  if (keyedByUser) return `keyed by user: each is in one partition; ${share}`;
  return `NOT keyed by user: ${grouped(usersInSeveralPartitions)} are in several partitions; ${share}`;
}

function suggestionLines({ suggested, partitions }: TopicInspection): string[] {
  if (suggested === null) return [];
  const enough = partitions >= suggested.partitions ? "enough for this rate" : `${suggested.partitions} for this rate`;
  return [
    line("suggested", `--grace ${lengthText(suggested.graceMs)} (999 of 1,000 events come in time), `) +
      `--window ${lengthText(suggested.windowMs)} (for 1,000 events or more in each), partitions: ${enough}`,
  ];
}

function mappingText({ mapping: { fields = {}, time = "ms" } }: TopicInspection): string {
  const { userId, itemId, timestampMs } = fields;
  return printable(`user at ${userId}, item at ${itemId}, time at ${timestampMs} (${time})`);
}

const units = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "m"],
  [1000, "s"],
] as const;

/** As `--window` and `--grace` read it where it is a whole number of a unit: 15m, 36h; else rounded to the largest unit. */
export function lengthText(ms: number): string {
  const whole = units.find(([size]) => ms >= size && ms % size === 0);
  if (whole !== undefined) return `${ms / whole[0]}${whole[1]}`;
  const [size, unit] = units.find(([size]) => ms >= 3 * size) ?? [1, "ms"];
  return `${Math.round(ms / size)}${unit}`;
}

function timeText(ms: number | null): string {
  return ms === null ? "none" : new Date(ms).toISOString().replace(".000Z", "Z");
}

function line(label: string, text: string): string {
  return `${label.padEnd(10)}  ${text}`;
}
