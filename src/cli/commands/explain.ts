/** `ncf explain`: which movies of a user's history carry the score of another. */
import type { Command } from "commander";
import { Option } from "commander";
import { explainForUser, type NamedItem, type UserExplanation } from "../../app/explain-user.ts";
import { decimalsOf, grouped } from "../../app/report/number-text.ts";
import { printable } from "../../app/report/printable.ts";
import { chooseModel, chosenUserModel, type ModelChoice } from "../chosen-model.ts";
import * as options from "../options.ts";
import type { Terminal } from "../terminal.ts";

interface ExplainValues extends ModelChoice {
  readonly user: string;
  readonly item: string;
  readonly limit: number;
  readonly json: boolean;
}

export function addExplainCommand(program: Command, terminal: Terminal): void {
  program
    .command("explain")
    .description("Say why a user would like an item: what each item of their history adds to its score.")
    .argument("[dir]", "folder of the sample (default: OUT/sample beside OUT/models)")
    .option("--model <dir>", "folder that `ncf train` wrote, or OUT/models/neumf of ncf run")
    .option("--registry <dir>", "instead of --model: its champion, and all that it was trained on")
    .requiredOption("--user <id>", "user id as in the source")
    .requiredOption("--item <id>", "item id as in the source")
    .addOption(new Option("--limit <n>", "how many of the history to show").argParser(options.integer(1)).default(10))
    .addOption(options.jsonOption("print one JSON document on stdout, with all of the history"))
    .action(async (dir: string | undefined, { user, item, limit, json, ...choice }: ExplainValues) => {
      terminal.useJson(json);
      const chosen = await chooseModel({ ...choice, sample: dir });
      const explanation = explainForUser(chosen, chosenUserModel(chosen), user, item);
      terminal.answer(explanation, explanationText(explanation, limit));
    });
}

function explanationText(explanation: UserExplanation, limit: number): string {
  const { userId, model, score, servedScore, attributes, inHistory, reasons } = explanation;
  const shown = reasons.slice(0, limit);
  const rest = reasons.slice(limit);
  const decimals = decimalsOf(reasons.map(({ effect }) => effect));
  const signed = (value: number): string => signedText(value, decimals);
  const served = servedScore === score ? "" : ` (${servedScore.toFixed(decimals)} by what training made of the user)`;
  return [
    `${titleOf(explanation)} for user ${printable(userId)}: ${model} gives ${score.toFixed(decimals)} by their history${served}.`,
    ...(inHistory ? ["The user has it already: their history is counted without it."] : []),
    ...(attributes === 0 ? [] : [`${signed(attributes)}  of genres and period`]),
    "Without this item of the history the score would be lower by:",
    ...shown.map((reason) => `${signed(reason.effect)}  ${titleOf(reason)}`),
    ...(rest.length === 0
      ? []
      : [`and ${grouped(rest.length)} others, from ${signed(rest[0].effect)} to ${signed(rest.at(-1)?.effect ?? 0)}`]),
  ].join("\n");
}

function titleOf({ itemId, title }: NamedItem): string {
  return printable(title ?? `item ${itemId}`);
}

function signedText(value: number, decimals: number): string {
  const text = Math.abs(value).toFixed(decimals);
  return `${Number(text) === 0 ? " " : value < 0 ? "-" : "+"}${text}`;
}
