/** Finds the data set that the command line names: a path, or a name to download, or made-up data without a network. */
import { existsSync, statSync } from "node:fs";
import path from "node:path";
import envPaths from "env-paths";
import { downloadDataset } from "../adapters/local/dataset-download.ts";
import { FileObjectStore } from "../adapters/local/file-object-store.ts";
import { generate, generatedMarker } from "../app/generate.ts";
import { NcfError } from "../core/errors.ts";
import { commandLine } from "./options.ts";
import type { Terminal } from "./terminal.ts";

export interface ResolvedDataset {
  /** Such as "ml-latest-small", the base name of a path, or "generated". */
  readonly name: string;
  readonly path: string;
  readonly generated: boolean;
  /** The commands that repeat a run whose data was made up on the way; else the command line as typed does. */
  readonly command?: string;
}

/** Where downloads are kept: `NCF_CACHE`, else the user's cache folder. */
function cacheFolder(): string {
  return process.env.NCF_CACHE ?? envPaths("ncf-stream", { suffix: "" }).cache;
}

/** @throws NcfError `DATASET_UNKNOWN` and those of a download */
export async function resolveDataset(given: string, terminal: Terminal): Promise<ResolvedDataset> {
  if (existsSync(given)) {
    const folder = statSync(given).isDirectory() ? given : path.dirname(given);
    const generated = existsSync(path.join(folder, generatedMarker));
    return { name: path.basename(path.resolve(given)), path: given, generated };
  }
  const { dataset, path: archive } = await downloadDataset(given, {
    folder: cacheFolder(),
    ...(process.env.NCF_DATASETS_URL && { baseUrl: process.env.NCF_DATASETS_URL }),
    progress: terminal.progress,
    signal: terminal.signal,
  });
  terminal.log(`${dataset.name}: ${dataset.terms} In full: ${dataset.readmeUrl}`);
  terminal.log(`Cite: ${dataset.citation}`);
  return { name: dataset.name, path: archive, generated: false };
}

/** Like `resolveDataset`; where no server answers, generated data in `outFolder` stands in. */
export async function resolveOrGenerate(
  given: string,
  terminal: Terminal,
  outFolder: string,
  seed: number,
): Promise<ResolvedDataset> {
  try {
    return await resolveDataset(given, terminal);
  } catch (error) {
    if (!(error instanceof NcfError) || error.code !== "DATASET_UNREACHABLE") throw error;
    terminal.log(
      `${given} cannot be downloaded (no network?): going on with generated data of the shape of ml-latest-small.`,
    );
    const folder = path.join(outFolder, "generated");
    await generate(
      { store: new FileObjectStore(folder), progress: terminal.progress },
      { shape: "small", seed, signal: terminal.signal },
    );
    const commands = [`npx ncf generate --seed ${seed} --out ${folder}`, `${commandLine()} --dataset ${folder}`];
    return { name: "generated", path: folder, generated: true, command: commands.join(" && ") };
  }
}
