/** `ncf serve`: the HTTP API and the page of one trained model. */
import { createHash } from "node:crypto";
import path from "node:path";
import type { Command } from "commander";
import { Option } from "commander";
import { FileObjectStore } from "../../adapters/local/file-object-store.ts";
import { startHttpServer } from "../../adapters/local/http-server.ts";
import { ParquetSampleStore } from "../../adapters/parquet/parquet-sample-store.ts";
import { createHttpApi } from "../../app/http-api/http-api.ts";
import { replayedWindows } from "../../app/replay-dataset.ts";
import type { ServedModel } from "../../app/serving/served-model.ts";
import { ServiceHolder } from "../../app/serving/service-holder.ts";
import { readModel } from "../../app/stored-model.ts";
import { NcfError } from "../../core/errors.ts";
import { createFoldIn } from "../../ncf/fold-in.ts";
import { createScorer } from "../../ncf/wasm/scorer.ts";
import type { SampleFiles } from "../../ports/sample-store.ts";
import { dashboardFiles } from "../dashboard-files.ts";
import { asPrefix } from "../folders.ts";
import * as options from "../options.ts";
import type { Terminal } from "../terminal.ts";
import { version } from "../version.ts";

interface ServeValues {
  readonly model: string;
  readonly sample?: string;
  readonly port: number;
  readonly host: string;
  readonly json: boolean;
}

export function addServeCommand(program: Command, terminal: Terminal): void {
  program
    .command("serve")
    .description("Serve a model's recommendations over HTTP, with a page to try them, until Ctrl-C.")
    .requiredOption("--model <dir>", "folder that `ncf train` wrote, or a model of `ncf run`: OUT/models/neumf")
    .option("--sample <dir>", "folder of the sample it was trained on (default: OUT/sample beside OUT/models)")
    .addOption(
      new Option("--port <n>", "port to listen on, 0 for any free one")
        .argParser(options.integer(0, 65_535))
        .default(8080),
    )
    .option(
      "--host <address>",
      "address to listen on; 0.0.0.0 lets the whole network in, there is no login",
      "127.0.0.1",
    )
    .addOption(options.jsonOption())
    .action((values: ServeValues) => serve(values, terminal));
}

async function serve(values: ServeValues, terminal: Terminal): Promise<void> {
  terminal.useJson(values.json);
  terminal.goesOnBy("run it again to serve again");
  // A supervisor's SIGTERM is the usual end of a service; Ctrl-C counts as an interruption, as everywhere.
  let terminated = false;
  process.once("SIGTERM", () => {
    terminated = true;
  });
  const { signal } = terminal;
  const model = await readServedModel(values);
  signal.throwIfAborted();
  const holder = new ServiceHolder(model);
  const onError = (error: unknown): void =>
    terminal.log(`ncf serve: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  const api = createHttpApi({
    holder,
    windows: () => replayedWindows(new FileObjectStore(runFolder(values.model))),
    nowMs: Date.now,
    page: dashboardFiles(),
    version,
    onError,
  });
  const server = await startHttpServer(api, { port: values.port, host: values.host, onError });
  const readySeconds = performance.now() / 1000;
  const { name, dataset } = holder.current.facts;
  terminal.answer(
    { url: server.url, readySeconds, model: holder.current.facts },
    `${name} on ${dataset.name}${dataset.generated ? " (generated data)" : ""}: ${server.url} ` +
      `(ready after ${readySeconds.toFixed(2)} s; Ctrl-C stops it)`,
  );
  await aborted(signal);
  await server.close();
  if (!terminated) throw signal.reason;
}

async function readServedModel(values: ServeValues): Promise<ServedModel> {
  const files = await readSample(values);
  const store = new FileObjectStore(values.model);
  const model = await readModel(store, files);
  return {
    version: createHash("sha256")
      .update(await store.get("model.safetensors"))
      .digest("hex")
      .slice(0, 12),
    dataset: { name: files.manifest.dataset, generated: files.manifest.generated },
    sample: files.sample,
    items: files.items,
    scorer: createScorer(model),
    foldIn: createFoldIn(model),
  };
}

/** OUT of OUT/models/neumf: what `ncf run` wrote beside the model. */
function runFolder(model: string): string {
  return path.resolve(model, "..", "..");
}

async function readSample({ model, sample }: ServeValues): Promise<SampleFiles> {
  const read = (dir: string): Promise<SampleFiles> => new ParquetSampleStore(...asPrefix(dir)).read();
  if (sample !== undefined) return read(sample);
  const beside = path.join(runFolder(model), "sample");
  try {
    return await read(beside);
  } catch (cause) {
    if (!(cause instanceof NcfError && cause.code === "SAMPLE_NOT_FOUND")) throw cause;
    throw new NcfError(
      "SAMPLE_NOT_FOUND",
      `expected the sample that ${model} was trained on in ${beside}, found none. Name its folder with --sample`,
      { cause },
    );
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
