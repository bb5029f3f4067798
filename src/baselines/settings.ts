/** Which settings a baseline takes. */
import { NcfError } from "../core/errors.ts";
import type { BaselineSettings } from "./baseline.ts";

/** What a setting may be, in words and as a test. */
export interface Allowed {
  readonly what: string;
  readonly holds: (value: unknown) => boolean;
}

const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);

export const positiveInteger: Allowed = {
  what: "a positive integer",
  holds: (value) => Number.isSafeInteger(value) && Number(value) > 0,
};

export const above = (bound: number): Allowed => ({
  what: `a number above ${bound}`,
  holds: (value) => isNumber(value) && value > bound,
});

export const atLeast = (bound: number): Allowed => ({
  what: `a number of at least ${bound}`,
  holds: (value) => isNumber(value) && value >= bound,
});

export const orNull = ({ what, holds }: Allowed): Allowed => ({
  what: `${what} or null`,
  holds: (value) => value === null || holds(value),
});

export const oneOf = (...values: readonly string[]): Allowed => ({
  what: `one of ${values.join(", ")}`,
  holds: (value) => values.includes(String(value)),
});

/** @throws NcfError `CONFIG_INVALID` naming the model, the setting, what it may be and what was found */
export function checkSettings(
  model: string,
  settings: BaselineSettings,
  allowed: Readonly<Record<string, Allowed>>,
): void {
  const fail = (expected: string, found: string): never => {
    throw new NcfError("CONFIG_INVALID", `settings of ${model}: expected ${expected}, found ${found}`);
  };
  for (const [name, { what, holds }] of Object.entries(allowed)) {
    if (!holds(settings[name])) fail(`${name}: ${what}`, JSON.stringify(settings[name]) ?? "none");
  }
  const unknown = Object.keys(settings).find((name) => !Object.hasOwn(allowed, name));
  if (unknown !== undefined) fail(`only ${Object.keys(allowed).join(", ")}`, unknown);
}
