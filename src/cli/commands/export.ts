/** `ncf export`: a trained model for other programs. */
import type { Command } from "commander";
import { Option } from "commander";
import { exportOnnx } from "../../app/export-model.ts";
import { grouped } from "../../app/report/number-text.ts";
import type { OnnxUsers } from "../../ncf/onnx/ncf-onnx.ts";
import { chooseModel, type ModelChoice } from "../chosen-model.ts";
import { asPrefix } from "../folders.ts";
import * as options from "../options.ts";
import type { Terminal } from "../terminal.ts";

interface ExportValues extends ModelChoice {
  readonly users: OnnxUsers;
  readonly out: string;
  readonly json: boolean;
}

export function addExportCommand(program: Command, terminal: Terminal): void {
  program
    .command("export")
    .description("Write a trained network as ONNX: user and item indices in, logits out.")
    .argument("[dir]", "folder of the sample (default: OUT/sample beside OUT/models)")
    .option("--model <dir>", "folder that `ncf train` wrote, or OUT/models/neumf of ncf run")
    .option("--registry <dir>", "instead of --model: its champion")
    .addOption(new Option("--format <name>", "file format").choices(["onnx"]).default("onnx"))
    .addOption(
      new Option(
        "--users <whom>",
        "score trained users by index, or, for networks that take histories, anybody's history",
      )
        .choices(["trained", "history"])
        .default("trained"),
    )
    .requiredOption("--out <file>", "file to write")
    .addOption(options.jsonOption())
    .action(async (dir: string | undefined, { users, out, json, ...choice }: ExportValues) => {
      terminal.useJson(json);
      const { fitted, sample } = await chooseModel({ ...choice, sample: dir });
      const [store, key] = asPrefix(out);
      const { size } = await store.put(key, exportOnnx(fitted, sample, users));
      terminal.answer(
        { model: fitted.name, users: sample.userIds.length, items: sample.itemIds.length, bytes: size, out },
        `${fitted.name} with ${grouped(sample.userIds.length)} users and ${grouped(sample.itemIds.length)} items: ` +
          `${out} (${grouped(size)} bytes)`,
      );
    });
}
