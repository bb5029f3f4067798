/** Builds a Lambda's bundle for a benchmark, apart from those of a deployment that somebody may be making. */
import { execFile } from "node:child_process";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";

/** The URL of its module. */
export async function lambdaBundle(name: string, folder: string): Promise<string> {
  const script = fileURLToPath(new URL("../scripts/build-lambdas.mjs", import.meta.url));
  await promisify(execFile)(process.execPath, [script, name, "--out", folder]);
  return pathToFileURL(path.join(folder, "lambdas", name, "index.mjs")).href;
}
