/** `ncf runs`: how far the trainings of workers are. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { readRun, readRuns, runText } from "../../app/worker/run-overview.ts";
import { NcfError } from "../../core/errors.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import * as options from "../options.ts";
import { storeAt } from "../places.ts";
import type { Terminal } from "../terminal.ts";

interface RunsValues {
  readonly store?: string;
  readonly bucket?: string;
  readonly follow: boolean;
  readonly json: boolean;
}

/** Workers write their progress every 5 s. */
const followEveryMs = 2_000;

export function addRunsCommand(program: Command, terminal: Terminal): void {
  program
    .command("runs")
    .description("Show how far the trainings of workers are, and what became of them.")
    .argument("[run]", "one run only; --follow ends when it is finished")
    .option("--store <dir>", "folder in a bucket's place, as file: URLs name it to a worker")
    .option("--bucket <name>", "S3 bucket of a deployment")
    .option("--follow", "go on with a line for each run that gets on, until Ctrl-C", false)
    .addOption(options.jsonOption("print one JSON document on stdout; with --follow one line a run that gets on"))
    .action((run: string | undefined, values: RunsValues) => showRuns(run, values, terminal));
}

async function showRuns(run: string | undefined, values: RunsValues, terminal: Terminal): Promise<void> {
  terminal.useJson(values.json);
  const store = await storeOf(values);
  if (values.follow) return follow(store, run, values.json, terminal.signal);
  const runs = (await readRuns(store)).filter(({ runId }) => run === undefined || runId === run);
  if (run !== undefined && runs.length === 0) {
    throw new NcfError("RUN_UNKNOWN", `expected a run among those that ncf runs lists, found "${run}"`);
  }
  const lines = runs.map((overview) => runText(overview, Date.now()));
  terminal.answer({ runs }, lines.length === 0 ? "No runs yet." : lines.join("\n"));
}

/** A run that is named may be still to come. */
async function follow(store: ObjectStore, run: string | undefined, json: boolean, signal: AbortSignal): Promise<void> {
  const shown = new Map<string, string>();
  while (!signal.aborted) {
    const runs = run === undefined ? await readRuns(store) : [await readRun(store, run)];
    for (const overview of runs) {
      const content = JSON.stringify(overview);
      if (shown.get(overview.runId) === content) continue;
      shown.set(overview.runId, content);
      process.stdout.write(`${json ? content : runText(overview, Date.now())}\n`);
    }
    if (run !== undefined && runs[0].result !== null) return;
    await sleep(followEveryMs, undefined, { signal }).catch(() => undefined);
  }
}

async function storeOf({ store, bucket }: RunsValues): Promise<ObjectStore> {
  if ((store === undefined) === (bucket === undefined)) {
    throw new NcfError("USAGE", "expected either --store DIR or --bucket NAME");
  }
  return storeAt(store ?? `s3://${bucket}`);
}
