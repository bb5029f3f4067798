/** The `ncf` command: parses the command line, runs one use case, says what came of it. */
import { Command, CommanderError } from "commander";
import { NcfError } from "../core/errors.ts";
import { addAwsCommands } from "./commands/aws.ts";
import { addDataCommands } from "./commands/data.ts";
import { addEvaluateCommand } from "./commands/evaluate.ts";
import { addExplainCommand } from "./commands/explain.ts";
import { addExportCommand } from "./commands/export.ts";
import { addModelsCommands } from "./commands/models.ts";
import { addRecommendCommand } from "./commands/recommend.ts";
import { addReplayCommand } from "./commands/replay.ts";
import { addRunCommand } from "./commands/run.ts";
import { addRunsCommand } from "./commands/runs.ts";
import { addServeCommand } from "./commands/serve.ts";
import { addStreamCommand } from "./commands/stream.ts";
import { addTopicsCommands } from "./commands/topics.ts";
import { addTrainCommand } from "./commands/train.ts";
import { addTuneCommand } from "./commands/tune.ts";
import { addWindowsCommand } from "./commands/windows.ts";
import { addWorkerCommand } from "./commands/worker.ts";
import { Terminal } from "./terminal.ts";
import { version } from "./version.ts";

/** Exit codes: 0 done, 1 failed, 2 wrong usage, 130 stopped by Ctrl-C, 141 where nobody reads the answer any more. */
export async function main(argv: readonly string[]): Promise<number> {
  const terminal = new Terminal();
  // A reader that has seen enough, as `head` has, is no fault.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(141);
    throw error;
  });
  const program = new Command("ncf")
    .description("Trains, judges, serves and replays movie recommenders on interaction data.")
    .version(version)
    .showHelpAfterError("(run the command with --help to see its options)")
    .configureOutput({ writeErr: (text) => process.stderr.write(text) })
    // Before the commands are added: they take it over.
    .exitOverride()
    // A subcommand's options may have the names of its parent's.
    .enablePositionalOptions()
    .option("--stack <name>", "deployment on AWS to ask, by its stackName; of recommend only")
    .hook("preAction", (command, called) => {
      if (command.opts().stack === undefined || called.name() === "recommend") return;
      throw new NcfError("USAGE", `--stack: expected recommend behind it, found ${called.name()}. Leave it out`);
    });
  addRunCommand(program, terminal);
  addDataCommands(program, terminal);
  addTrainCommand(program, terminal);
  addTuneCommand(program, terminal);
  addEvaluateCommand(program, terminal);
  addRecommendCommand(program, terminal);
  addExplainCommand(program, terminal);
  addExportCommand(program, terminal);
  addModelsCommands(program, terminal);
  addServeCommand(program, terminal);
  addReplayCommand(program, terminal);
  addWindowsCommand(program, terminal);
  addWorkerCommand(program, terminal);
  addRunsCommand(program, terminal);
  addStreamCommand(program, terminal);
  addTopicsCommands(program, terminal);
  addAwsCommands(program, terminal);
  try {
    await program.parseAsync(argv);
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    return terminal.fail(error);
  } finally {
    terminal.close();
  }
}
