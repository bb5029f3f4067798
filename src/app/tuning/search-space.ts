/**
 * What a search may change in a model's settings, and how it draws.
 *
 * A space names settings by path, each with the values to choose from or a range:
 *
 *     {
 *       "learningRate": { "from": 0.0005, "to": 0.01, "scale": "log" },
 *       "mlp.dropout": { "from": 0, "to": 0.5 },
 *       "gmf.embeddingSize": { "from": 16, "to": 128, "scale": "log", "multipleOf": 4 },
 *       "mlp.hidden": [[64, 32, 16], [128, 64]]
 *     }
 */
import { z } from "zod";
import { NcfError } from "../../core/errors.ts";
import { exp, log } from "../../core/math.ts";
import { purposes, Rng, streamKey } from "../../core/rng.ts";
import type { JsonValue } from "../../ports/model-registry.ts";

export interface Settings {
  readonly [name: string]: JsonValue;
}

interface Range {
  readonly from: number;
  readonly to: number;
  readonly scale: "linear" | "log";
  /** Values are rounded to multiples of it. */
  readonly multipleOf?: number | undefined;
}

type Dimension = readonly JsonValue[] | Range;

/** By path, such as "mlp.dropout". */
export type SearchSpace = Readonly<Record<string, Dimension>>;

/** What is searched: settings to start from, and what says whether others make sense. */
export interface Searched {
  readonly base: Settings;
  /** @throws NcfError for settings that no model could have */
  readonly check: (settings: Settings) => void;
}

const rangeSchema = z
  .strictObject({
    from: z.number(),
    to: z.number(),
    scale: z.enum(["linear", "log"]).default("linear"),
    multipleOf: z.number().positive().optional(),
  })
  .refine(({ from, to }) => from < to, "from: below to")
  .refine(({ from, scale }) => scale === "linear" || from > 0, "from: above 0 on a log scale");

const spaceSchema = z.record(z.string(), z.union([z.array(z.json()).min(1), rangeSchema]));

/**
 * Checks a space against what it is to be drawn for.
 *
 * @param what names the space in errors, such as "space.json"
 * @throws NcfError `SPACE_INVALID` naming the path
 */
export function parseSearchSpace(value: unknown, { base, check }: Searched, what: string): SearchSpace {
  const parsed = spaceSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const at = issue.path.join(".") || "the document";
    throw invalid(what, `${at}: expected a list of values, or { from, to, scale?, multipleOf? } with from below to`);
  }
  const space: SearchSpace = parsed.data;
  for (const [path, dimension] of Object.entries(space)) {
    const found = settingAt(base, path);
    if (found === undefined) throw invalid(what, `${path}: expected one of ${pathsOf(base).join(", ")}`);
    const ends = isRange(dimension) ? [valueIn(dimension, 0), valueIn(dimension, 1)] : dimension;
    for (const end of ends) {
      if (kindOf(end) !== kindOf(found)) {
        throw invalid(what, `${path}: expected values such as ${JSON.stringify(found)}, found ${JSON.stringify(end)}`);
      }
      try {
        check(withSetting(base, path, end));
      } catch (cause) {
        if (!(cause instanceof NcfError)) throw cause;
        throw invalid(what, `${path} = ${JSON.stringify(end)}: ${cause.message}`);
      }
    }
  }
  return space;
}

/** Combinations that make no model are drawn again, so often. */
const maxDraws = 1000;

/**
 * Trial 0 has the settings that the search starts from; the others are functions of the space, the seed and their number.
 *
 * @throws NcfError `SPACE_INVALID` where the space has hardly a combination that makes a model
 */
export function drawSettings(space: SearchSpace, { base, check }: Searched, seed: number, trial: number): Settings {
  if (trial === 0) return base;
  const rng = new Rng(streamKey(seed, purposes.tuning, trial));
  // By name, so that the order in a file does not count.
  const paths = Object.keys(space).sort();
  for (let draw = 1; ; draw++) {
    const settings = paths.reduce((drawnSoFar, path) => withSetting(drawnSoFar, path, drawn(space[path], rng)), base);
    try {
      check(settings);
      return settings;
    } catch (cause) {
      if (!(cause instanceof NcfError)) throw cause;
      if (draw >= maxDraws) throw invalid("space", `expected values that go together, found none: ${cause.message}`);
    }
  }
}

function drawn(dimension: Dimension, rng: Rng): JsonValue {
  return isRange(dimension) ? valueIn(dimension, rng.unit()) : dimension[rng.below(dimension.length)];
}

/** @param share where in the range, 0 to 1 */
function valueIn({ from, to, scale, multipleOf }: Range, share: number): number {
  const value = scale === "log" ? exp(log(from) + share * (log(to) - log(from))) : from + share * (to - from);
  // Three digits are more than any search can tell apart, and people can read them.
  if (multipleOf === undefined) return Number(Math.min(to, Math.max(from, value)).toPrecision(3));
  return Math.max(1, Math.round(value / multipleOf)) * multipleOf;
}

function isRange(dimension: Dimension): dimension is Range {
  return !Array.isArray(dimension);
}

export function isGroup(value: JsonValue | undefined): value is Settings {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `list`, `null`, or what JavaScript calls it; groups are objects. */
export function kindOf(value: JsonValue): string {
  return Array.isArray(value) ? "list" : value === null ? "null" : typeof value;
}

/** The setting at a path; undefined where there is none, or a group of settings. */
export function settingAt(settings: Settings, path: string): JsonValue | undefined {
  let found: JsonValue | undefined = settings;
  for (const name of path.split(".")) {
    if (!isGroup(found) || !Object.hasOwn(found, name)) return undefined;
    found = found[name];
  }
  return isGroup(found) ? undefined : found;
}

/** The settings with another value at a path that they have. */
export function withSetting(settings: Settings, path: string, value: JsonValue): Settings {
  const [name, ...rest] = path.split(".");
  const group = settings[name];
  if (rest.length === 0 || !isGroup(group)) return { ...settings, [name]: value };
  return { ...settings, [name]: withSetting(group, rest.join("."), value) };
}

/** All paths that a space may name. */
export function pathsOf(settings: Settings): string[] {
  return Object.entries(settings).flatMap(([name, value]) =>
    isGroup(value) ? pathsOf(value).map((path) => `${name}.${path}`) : [name],
  );
}

function invalid(what: string, message: string): NcfError {
  return new NcfError("SPACE_INVALID", `${what}: ${message}`);
}
