/** Finds the data set that the command line names. */
import { existsSync } from "node:fs";
import path from "node:path";
import { NcfError } from "../core/errors.ts";
import type { Terminal } from "./terminal.ts";

export interface ResolvedDataset {
  readonly name: string;
  readonly path: string;
  readonly generated: boolean;
}

/** @throws NcfError `DATASET_UNKNOWN` */
export async function resolveDataset(given: string, _terminal: Terminal): Promise<ResolvedDataset> {
  if (existsSync(given)) return { name: path.basename(path.resolve(given)), path: given, generated: false };
  throw new NcfError("DATASET_UNKNOWN", `expected a path to ratings, found no "${given}"`);
}
