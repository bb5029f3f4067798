/** `ncf windows`: the windows of an earlier replay. */
import type { Command } from "commander";
import { FileObjectStore } from "../../adapters/local/file-object-store.ts";
import { replayedWindows } from "../../app/replay-dataset.ts";
import { windowHeader, windowLine, windowsText } from "../../app/windows-text.ts";
import * as options from "../options.ts";
import type { Terminal } from "../terminal.ts";

export function addWindowsCommand(program: Command, terminal: Terminal): void {
  program
    .command("windows")
    .description("Show the windows of an earlier replay: HR@10 beside popularity, and what was not tested.")
    .argument("<dir>", "folder that `ncf replay` or `ncf run --replay` wrote")
    .addOption(options.jsonOption())
    .action((dir: string, values: { readonly json: boolean }) => showWindows(dir, values, terminal));
}

async function showWindows(dir: string, values: { readonly json: boolean }, terminal: Terminal): Promise<void> {
  terminal.useJson(values.json);
  const windows = await replayedWindows(new FileObjectStore(dir));
  const text = [windowHeader, ...windows.map(windowLine), windowsText(windows)].join("\n");
  terminal.answer({ windows }, windows.length === 0 ? `No windows in ${dir}: ncf replay makes them.` : text);
}
