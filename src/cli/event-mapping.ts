/** The options that say how interactions lie in one's own topic. */
import { InvalidArgumentError, Option } from "commander";
import {
  type EventCondition,
  type EventFields,
  type EventMapping,
  type TimeFormat,
  timeFormats,
} from "../streaming/event-mapping.ts";

/** As they are written on the command line. */
const fieldNames: Readonly<Record<string, keyof EventFields>> = {
  user: "userId",
  item: "itemId",
  time: "timestampMs",
  rating: "rating",
  id: "eventId",
};

export interface EventMappingValues {
  readonly field: EventFields;
  readonly only: readonly EventCondition[];
  readonly timeFormat: TimeFormat;
}

export const eventMappingOptions = () => [
  new Option(
    "--field <name=path>",
    "where in one's own JSON user, item, time, rating or id lie, such as user=$.customer.id; once for each",
  )
    .argParser(field)
    .default({}, "userId, itemId, timestampMs, rating, eventId"),
  new Option("--only <path=value>", "skip records that have another value there, such as type=purchase; all must fit")
    .argParser(condition)
    .default([], "all"),
  new Option(
    "--time-format <name>",
    "how times are written: integer milliseconds, seconds since 1970, or ISO 8601 text",
  )
    .choices([...timeFormats])
    .default("ms"),
];

export function eventMapping({ field: fields, only, timeFormat }: EventMappingValues): EventMapping {
  return {
    ...(Object.keys(fields).length > 0 && { fields }),
    ...(only.length > 0 && { only }),
    ...(timeFormat !== "ms" && { time: timeFormat }),
  };
}

/** The options that give this mapping, as words of a command line. */
export function eventMappingWords({ fields = {}, only = [], time = "ms" }: EventMapping): string[] {
  const given = Object.entries(fieldNames).filter(([, name]) => fields[name] !== undefined);
  return [
    ...given.flatMap(([word, name]) => ["--field", `${word}=${fields[name]}`]),
    ...only.flatMap(({ path, value }) => ["--only", `${path}=${value}`]),
    ...(time === "ms" ? [] : ["--time-format", time]),
  ];
}

function field(text: string, before: EventFields): EventFields {
  const [word, path] = pair(text, "name=path, such as user=$.customer.id");
  if (!Object.hasOwn(fieldNames, word)) {
    throw new InvalidArgumentError(`Expected one of ${Object.keys(fieldNames).join(", ")} before the "=".`);
  }
  const name = fieldNames[word];
  if (before[name] !== undefined) throw new InvalidArgumentError(`Expected ${word} once.`);
  return { ...before, [name]: dottedPath(path) };
}

function condition(text: string, before: readonly EventCondition[]): readonly EventCondition[] {
  const [path, value] = pair(text, "path=value, such as type=purchase");
  return [...before, { path: dottedPath(path), value }];
}

function pair(text: string, expected: string): [left: string, right: string] {
  const at = text.indexOf("=");
  if (at > 0) return [text.slice(0, at).trim(), text.slice(at + 1)];
  throw new InvalidArgumentError(`Expected ${expected}.`);
}

/** `$.a.b` and `a.b` are the same place. */
function dottedPath(text: string): string {
  const path = text.trim().replace(/^\$\./, "");
  if (!/^[^.[\]$][^.[\]]*(?:\.[^.[\]]+)*$/.test(path)) {
    throw new InvalidArgumentError(
      `Expected a path of names with dots between, such as $.customer.id, found "${text}".`,
    );
  }
  return path;
}
