import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { expect, it } from "vitest";
import { readDataset } from "../../../src/adapters/local/ratings-reader.ts";
import { type ReadOptionValues, readOptions, readRatingsOptions } from "../../../src/cli/options.ts";
import { leaveOneOut } from "../../../src/core/leave-one-out.ts";

const guide = new URL("../../../docs/own-data.md", import.meta.url);

function codeBlock(text: string, language: string): string {
  return text.split(`\`\`\`${language}\n`)[1].split("```")[0];
}

it("the recipe for purchases in docs/own-data.md does what it says", async () => {
  const text = await readFile(guide, "utf8");
  const folder = await mkdtemp(join(tmpdir(), "ncf-own-"));
  try {
    await writeFile(join(folder, "purchases.csv"), codeBlock(text, "csv"));
    const words = codeBlock(text, "sh").trim().split(" ").slice(3);
    const command = new Command().option("--dataset <path>").option("--models <names>").option("--out <dir>");
    for (const option of readOptions()) command.addOption(option);
    const values = command.parse(words, { from: "user" }).opts<ReadOptionValues & { dataset: string }>();
    const options = readRatingsOptions(values);
    const { ratings, items, validation } = await readDataset(join(folder, values.dataset), options);
    expect(validation).toMatchObject({
      format: "csv",
      rowsRead: 8,
      rowsKept: 7,
      rejected: [{ reason: "user id is empty", count: 1, examples: [{ line: 8 }] }],
      repeatedPairs: 1,
      ratingsMissing: 7,
      users: 3,
      items: 5,
      firstTimestampMs: Date.UTC(2010, 11, 1, 8, 26),
      lastTimestampMs: Date.UTC(2010, 11, 14, 9, 2),
    });
    expect([...ratings.userIds]).toEqual([17850, 13047, 12583]);
    expect([...ratings.itemLabels.values()]).toEqual(["85123A"]);
    expect(items.map(({ title }) => title)).toContain("BIRD ORNAMENT, ASSORTED COLOURS");
    expect(items.map(({ title }) => title)).toContain("JAM MAKING SET\nWITH JARS");
    const everyone = new Uint8Array(ratings.userIds.length).fill(1);
    const { counts } = leaveOneOut(ratings, everyone, { tieRule: "firstInFile", seed: 1, listedItemIds: null });
    expect(counts).toMatchObject({ ratings: 7, repeatedPairs: 1, testedUsers: 3 });
    const strict = { ...options, maxRejectedShare: 0.01 };
    await expect(readDataset(join(folder, values.dataset), strict)).rejects.toThrow(/user id is empty/);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
