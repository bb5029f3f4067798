/** `ncf recommend`: the best unseen items of a user, or of all. */
import type { Command } from "commander";
import { Option } from "commander";
import { recommendations } from "../../app/http-api/schemas.ts";
import { recommend } from "../../app/recommend.ts";
import { decimalsOf } from "../../app/report/number-text.ts";
import { printable } from "../../app/report/printable.ts";
import { NcfError } from "../../core/errors.ts";
import { chooseModel, chosenUserModel, type ModelChoice } from "../chosen-model.ts";
import { askDeployment } from "../deployed-api.ts";
import * as options from "../options.ts";
import type { Terminal } from "../terminal.ts";
import { recommendToEveryone } from "./recommend-all.ts";

interface RecommendValues extends ModelChoice {
  readonly user?: string;
  readonly all: boolean;
  readonly out?: string;
  readonly threads: number;
  readonly k: number;
  readonly json: boolean;
}

export function addRecommendCommand(program: Command, terminal: Terminal): void {
  program
    .command("recommend")
    .description("List the items that a user would like best among those not yet rated, or those of all users.")
    .argument("[dir]", "folder of the sample, which knows what was seen (default: OUT/sample beside OUT/models)")
    .option("--model <dir>", "folder that `ncf train` wrote, or OUT/models/neumf of ncf run")
    .option("--registry <dir>", "instead of --model: its champion, and all that it was trained on")
    .option("--user <id>", "user id as in the source")
    .option("--all", "every user, to a Parquet file: userId, rank, itemId, score", false)
    .option("--out <file>", "file for --all; OUT.parts beside it keeps what is done until all is")
    .addOption(new Option("-k <n>", "how many items").argParser(options.integer(1, 10_000)).default(10))
    .addOption(options.threadsOption())
    .addOption(options.jsonOption())
    .action((dir: string | undefined, values: RecommendValues) => {
      const { stack } = program.opts<{ readonly stack?: string }>();
      terminal.useJson(values.json);
      const choice = { model: values.model, registry: values.registry, sample: dir };
      const { user, all, out, k } = values;
      if (user !== undefined && !all && out === undefined) return recommendTo(user, k, stack, choice, terminal);
      if (user === undefined && all && out !== undefined && stack === undefined) {
        return recommendToEveryone(choice, { ...values, out }, terminal);
      }
      throw new NcfError("USAGE", "expected either --user ID, or --all and --out FILE without --stack");
    });
}

async function recommendTo(
  user: string,
  k: number,
  stack: string | undefined,
  choice: ModelChoice,
  terminal: Terminal,
): Promise<void> {
  const list = await (stack === undefined
    ? recommendedByModel(choice, user, k)
    : recommendedByStack(stack, choice, user, k));
  const decimals = decimalsOf(list.map(({ score }) => score));
  const lines = list.map((item, i) => recommendationLine(item, i, decimals));
  terminal.answer({ userId: user, recommendations: list }, lines.join("\n"));
}

async function recommendedByModel(choice: ModelChoice, user: string, k: number) {
  const chosen = await chooseModel(choice);
  return recommend(chosen, chosenUserModel(chosen), user, k);
}

async function recommendedByStack(stack: string, choice: ModelChoice, user: string, k: number) {
  if (Object.values(choice).some((value) => value !== undefined)) {
    throw new NcfError("USAGE", "expected --stack, or a model and its sample, found both. Leave one out");
  }
  const answer = await askDeployment(stack, `/users/${encodeURIComponent(user)}/recommendations?k=${k}`);
  return recommendations.parse(answer).items;
}

interface Recommended {
  readonly itemId: string;
  readonly title?: string | null | undefined;
  readonly genres: readonly string[];
  readonly score: number;
}

function recommendationLine({ itemId, title, genres, score }: Recommended, i: number, decimals: number): string {
  const name = printable(title ?? `item ${itemId}`);
  const kinds = genres.length > 0 ? ` (${printable(genres.join(", "))})` : "";
  return `${String(i + 1).padStart(3)}. ${name}${kinds}  ${score.toFixed(decimals)}`;
}
