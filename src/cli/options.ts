/** Parsers of option values; each says what it expected. */
import { availableParallelism } from "node:os";
import { InvalidArgumentError, Option } from "commander";
import type { ColumnMapping } from "../core/ratings/layout.ts";
import { type TimeFormat, timeFormats } from "../core/ratings/time-format.ts";
import type { ReadRatingsOptions } from "../ports/ratings-source.ts";
import { backendNames } from "./models.ts";

export function integer(min: number, max = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Expected an integer from ${min} to ${max}.`);
  };
}

/** A share above 0 and up to 1. */
export function fraction(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value > 0 && value <= 1) return value;
  throw new InvalidArgumentError("Expected a number above 0 and up to 1, such as 0.3.");
}

/** A share from 0 to below 1. */
export function shareBefore(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= 0 && value < 1) return value;
  throw new InvalidArgumentError("Expected a number from 0 to below 1, such as 0.9.");
}

/** A share above 0 and below 1. */
export function shareWithin(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value > 0 && value < 1) return value;
  throw new InvalidArgumentError("Expected a number above 0 and below 1, such as 0.9.");
}

const unitsMs: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** A length of time such as 30d, in milliseconds. */
export function duration(text: string): number {
  const [, count, unit] = /^(\d{1,9})([smhdw])$/.exec(text) ?? [];
  if (unit !== undefined && Number(count) > 0) return Number(count) * unitsMs[unit];
  throw new InvalidArgumentError("Expected a length of time such as 30d, 12h, 90m or 45s.");
}

/** A share from 0 to 1, or a percentage. */
export function share(text: string): number {
  const value = text.endsWith("%") ? Number(text.slice(0, -1)) / 100 : Number(text);
  if (text.trim() !== "" && value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError("Expected a share such as 0.01 or 1%.");
}

export function names(text: string): string[] {
  const list = text.split(",").map((name) => name.trim());
  if (list.every((name) => name !== "") && new Set(list).size === list.length) return list;
  throw new InvalidArgumentError("Expected different names with commas between, such as neumf,popularity.");
}

/** `user=CustomerID,item=StockCode,time=InvoiceDate` with an optional `rating=` and `title=`. */
function columns(text: string): ColumnMapping {
  const pairs = text.split(",").map((pair) => pair.split("="));
  const found = Object.fromEntries(pairs.map(([field, ...column]) => [field.trim(), column.join("=").trim()]));
  const { user, item, time, rating, title, ...others } = found;
  if (!user || !item || !time || Object.keys(others).length > 0) {
    throw new InvalidArgumentError("Expected user=COLUMN,item=COLUMN,time=COLUMN and optionally rating=, title=.");
  }
  return { user, item, time, ...(rating && { rating }), ...(title && { title }) };
}

export const seedOption = () => new Option("--seed <n>", "seed of every random draw").argParser(integer(0)).default(1);

export const threadsOption = () =>
  new Option("--threads <n>", "threads to use; the result is the same for any number")
    .argParser(integer(1, 64))
    .default(availableParallelism(), "all cores");

/** Where a service listens. */
export const listenOptions = () => [
  new Option(
    "--port <n>",
    "port to listen on, 0 for any free one (default: 8080, or a free one where it is taken)",
  ).argParser(integer(0, 65_535)),
  new Option("--host <address>", "address to listen on; 0.0.0.0 lets the whole network in, there is no login").default(
    "127.0.0.1",
  ),
  new Option(
    "--allow-name <names>",
    "names under which a proxy passes requests on, such as movies.example.com; others but this machine's are refused",
  )
    .argParser(names)
    .default([], "none"),
];

export const jsonOption = (text = "print one JSON document on stdout") => new Option("--json", text).default(false);

export const samplerOption = () =>
  new Option("--sampler <name>", "how users are drawn; numpy123 is the paper's draw")
    .choices(["hash", "numpy123"])
    .default("hash");

export const tieRuleOption = () =>
  new Option("--tie-rule <name>", "which of several latest ratings of a user is the test item")
    .choices(["firstInFile", "lastInFile", "smallestItemId", "largestItemId", "random"])
    .default("firstInFile");

export const catalogueOption = () =>
  new Option("--catalogue <name>", "items to recommend from: rated in the sample, or all that are listed")
    .choices(["sample", "listed"])
    .default("sample");

export const fullCatalogueUsersOption = () =>
  new Option("--full-catalogue-users <n>", "users also ranked against all items: a number, or all")
    .argParser((text) => (text === "all" ? Number.MAX_SAFE_INTEGER : integer(1)(text)))
    .default(2000);

/** Options of reading a file that is not MovieLens's. */
export const readOptions = () => [
  new Option(
    "--columns <map>",
    "columns of one's own CSV, such as user=CustomerID,item=StockCode,time=InvoiceDate",
  ).argParser(columns),
  new Option("--time-format <name>", "how times are written in one's own CSV (found out by default)").choices([
    ...timeFormats,
  ]),
  new Option("--max-rejects <share>", "share of rows that may be rejected, such as 1%")
    .argParser(share)
    .default(0.01, "1%"),
];

export interface ReadOptionValues {
  readonly columns?: ColumnMapping;
  readonly timeFormat?: TimeFormat;
  readonly maxRejects: number;
  readonly threads?: number;
}

export function readRatingsOptions(values: ReadOptionValues): ReadRatingsOptions {
  return {
    maxRejectedShare: values.maxRejects,
    ...(values.columns && { columns: values.columns }),
    ...(values.timeFormat && { timeFormat: values.timeFormat }),
    ...(values.threads && { threads: values.threads }),
  };
}

export const backendOption = () =>
  new Option("--backend <name>", "numeric backend; reference is slow and readable")
    .choices([...backendNames])
    .default("wasm");

/** The command line as typed, for repeating it. */
export function commandLine(): string {
  const quoted = process.argv.slice(2).map((word) => (/^[\w./:,=@%+-]+$/.test(word) ? word : JSON.stringify(word)));
  return ["npx ncf", ...quoted].join(" ");
}
