/** What runs on this machine for a local deployment: kept in a file, so that each command finds what the others started. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { NcfError } from "../../src/core/errors.ts";

const stateSchema = z.object({
  emulators: z.object({ endpoint: z.url(), ec2Endpoint: z.url() }),
  /** `HOST:PORT`. */
  kafka: z.string(),
  /** Of broker and emulators; each leads a process group. */
  pids: z.array(z.int()),
  /** Of what was started for the deployment. */
  deployedPids: z.array(z.int()),
  deployment: z
    .object({
      name: z.string(),
      bucket: z.string(),
      trainingRequestsUrl: z.url(),
      trainingJobsUrl: z.url(),
      launchTemplateId: z.string(),
      apiUrl: z.url(),
      curlCommand: z.string(),
    })
    .nullable(),
});

export type LocalState = z.infer<typeof stateSchema>;

/** @throws NcfError `LOCAL_DOWN` where nothing was started */
export async function readState(folder: string): Promise<LocalState> {
  const text = await readFile(path.join(folder, "state.json"), "utf8").catch(() => null);
  if (text !== null) return stateSchema.parse(JSON.parse(text));
  throw new NcfError("LOCAL_DOWN", `expected a local AWS that runs, found none in ${folder}. Run: npm run local:up`);
}

export async function writeState(folder: string, state: LocalState): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, "state.json"), `${JSON.stringify(state, null, 2)}\n`);
}
