/** `ncf recommend`: the best unseen items of a user. */
import type { Command } from "commander";
import { Option } from "commander";
import { FileObjectStore } from "../../adapters/local/file-object-store.ts";
import { userModelOf } from "../../app/fitted-model.ts";
import { recommendations } from "../../app/http-api/schemas.ts";
import { trainedItems } from "../../app/new-items.ts";
import { recommend } from "../../app/recommend.ts";
import { printable } from "../../app/report/printable.ts";
import { readModel } from "../../app/stored-model.ts";
import { NcfError } from "../../core/errors.ts";
import { createScorer } from "../../ncf/wasm/scorer.ts";
import { askDeployment } from "../deployed-api.ts";
import { readSample } from "../folders.ts";
import * as options from "../options.ts";
import type { Terminal } from "../terminal.ts";

interface RecommendValues {
  readonly model?: string;
  readonly user: string;
  readonly k: number;
  readonly json: boolean;
}

export function addRecommendCommand(program: Command, terminal: Terminal): void {
  program
    .command("recommend")
    .description("List the items that a user would like best among those not yet rated.")
    .argument("[dir]", "folder of the sample, which knows what was seen; none with --stack")
    .option("--model <dir>", "folder that `ncf train` wrote; none with --stack")
    .requiredOption("--user <id>", "user id as in the source")
    .addOption(new Option("-k <n>", "how many items").argParser(options.integer(1, 10_000)).default(10))
    .addOption(options.jsonOption())
    .action(async (dir: string | undefined, values: RecommendValues) => {
      const { stack } = program.opts<{ readonly stack?: string }>();
      terminal.useJson(values.json);
      const list = await (stack === undefined
        ? recommendedBySample(dir, values)
        : recommendedByStack(stack, dir, values));
      terminal.answer({ userId: values.user, recommendations: list }, list.map(recommendationLine).join("\n"));
    });
}

async function recommendedBySample(dir: string | undefined, { model: folder, user, k }: RecommendValues) {
  if (dir === undefined || folder === undefined) {
    throw new NcfError("USAGE", "expected a sample's folder and --model DIR, or ncf --stack NAME recommend --user ID");
  }
  const files = await readSample(dir);
  const { model } = await readModel(new FileObjectStore(folder), files);
  return recommend(files, userModelOf(createScorer, model, trainedItems(files.sample), files.items), user, k);
}

async function recommendedByStack(stack: string, dir: string | undefined, { model, user, k }: RecommendValues) {
  if (dir !== undefined || model !== undefined) {
    throw new NcfError("USAGE", "expected --stack, or a sample's folder and --model, found both. Leave one out");
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

function recommendationLine({ itemId, title, genres, score }: Recommended, i: number): string {
  const name = printable(title ?? `item ${itemId}`);
  const kinds = genres.length > 0 ? ` (${printable(genres.join(", "))})` : "";
  return `${String(i + 1).padStart(3)}. ${name}${kinds}  ${score.toFixed(2)}`;
}
