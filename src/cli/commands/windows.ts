/** `ncf windows`: the windows of an earlier replay, or those of a stream as they come. */
import type { Command } from "commander";
import { FileObjectStore } from "../../adapters/local/file-object-store.ts";
import { replayedWindows } from "../../app/replay-dataset.ts";
import { WindowFeed } from "../../app/windows-live/window-feed.ts";
import { windowHeader, windowLine, windowsText } from "../../app/windows-text.ts";
import { NcfError } from "../../core/errors.ts";
import { type KafkaOptionValues, kafkaConnection, kafkaOptions } from "../kafka-connection.ts";
import { openImpatientLog } from "../kafka-log.ts";
import * as options from "../options.ts";
import { streamTopics, type TopicOptionValues, topicOptions } from "../stream-topics.ts";
import type { Terminal } from "../terminal.ts";
import { WindowLines } from "../window-lines.ts";

interface WindowsValues extends KafkaOptionValues, Pick<TopicOptionValues, "topicPrefix" | "windowsTopic"> {
  readonly follow: boolean;
  readonly json: boolean;
}

export function addWindowsCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command("windows")
    .description("Show windows: HR@10 beside popularity, and what was not tested.")
    .argument("[dir]", "folder that `ncf replay` or `ncf run --replay` wrote")
    .option("--follow", "instead, the stream's: each as it becomes final or is revised, until Ctrl-C", false)
    .addOption(options.jsonOption("print one JSON document on stdout; with --follow a line each report, open ones too"))
    .action((dir: string | undefined, values: WindowsValues) =>
      dir !== undefined && !values.follow ? showWindows(dir, values, terminal) : followWindows(dir, values, terminal),
    );
  for (const option of [...topicOptions("windows"), ...kafkaOptions()]) command.addOption(option);
}

async function showWindows(dir: string, values: WindowsValues, terminal: Terminal): Promise<void> {
  terminal.useJson(values.json);
  const windows = await replayedWindows(new FileObjectStore(dir));
  const text = [windowHeader, ...windows.map(windowLine), windowsText(windows)].join("\n");
  terminal.answer({ windows }, windows.length === 0 ? `No windows in ${dir}: ncf replay makes them.` : text);
}

async function followWindows(dir: string | undefined, values: WindowsValues, terminal: Terminal): Promise<void> {
  if ((dir === undefined) !== values.follow) {
    const found = dir === undefined ? "neither" : "both";
    throw new NcfError("USAGE", `expected either a folder of a replay or --follow with --brokers, found ${found}`);
  }
  const connection = kafkaConnection(values);
  const lines = new WindowLines(process.stdout, values.json);
  const feed = new WindowFeed({
    openLog: () => openImpatientLog(connection),
    topic: streamTopics(values).windows,
    sink: lines,
    log: terminal.log,
  });
  const unread = new AbortController();
  const end = (): void => unread.abort();
  terminal.signal.addEventListener("abort", end);
  // Whoever reads may have had enough, such as head.
  process.stdout.on("error", end);
  await feed.run(unread.signal);
  lines.clear();
}
