/** The judged models as a table for a terminal of 80 columns, with what it means in words below. */
import { grouped, millisecondsText } from "./number-text.ts";
import { popularitySentences } from "./popularity-sentences.ts";
import { printable } from "./printable.ts";
import type { Report, ReportModel } from "./report.ts";
import { seedsText, testsText } from "./split-text.ts";
import { itemNoun, ranked } from "./verdicts.ts";

const width = 80;
const gap = "  ";
const longestName = 15;

/** The whole text, ending without a newline. */
export function reportTable(report: Report): string {
  return [...introduction(report), "", ...table(report.models), "", ...statements(report)].join("\n");
}

function introduction(report: Report): string[] {
  const { dataset, protocol } = report;
  const { sample } = dataset;
  const noun = itemNoun(dataset);
  const lines = wrapped(
    `${printable(dataset.name)}: ${testsText(report)} among ` +
      `${protocol.candidates} unseen ones, of ${grouped(sample.items)} ${noun}s.`,
  );
  const short = protocol.shortCandidateUsers;
  if (short > 0) {
    const users = short === 1 ? "1 user has" : `${grouped(short)} users have`;
    lines.push(...wrapped(`${users} fewer unseen ${noun}s than that: then all of them, which makes a hit easier.`));
  }
  return dataset.generated ? ["GENERATED DATA: these figures say nothing about real users.", ...lines] : lines;
}

function table(models: readonly ReportModel[]): string[] {
  const head = [
    ["", "HR@10", "NDCG", "HR@10 over", "", "against"],
    ["model", "[95 % interval]", "@10", "all (est.)", "ms", "popularity"],
  ];
  const body = ranked(models).map((m) => [
    shortened(m.name),
    `${m.hrAt10.toFixed(3)} ${intervalText(m.hrAt10Interval)}`,
    m.ndcgAt10.toFixed(3),
    `${m.fullCatalogue.hrAt10.toFixed(3)} (${m.corrected.hrAt10.toFixed(3)})`,
    millisecondsText(m.cost.millisecondsPerRequest),
    againstPopularity(m),
  ]);
  const widths = head[0].map((_, column) => Math.max(...[...head, ...body].map((row) => row[column].length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column]))
      .join(gap)
      .trimEnd();
  const rule = "-".repeat(widths.reduce((sum, w) => sum + w, gap.length * (widths.length - 1)));
  return [...head.map(line), rule, ...body.map(line)];
}

/** Who won; who does not beat popularity; where another ranking orders the models otherwise; how seeds differ. */
function statements(report: Report): string[] {
  const { verdicts } = report;
  const plain = popularitySentences(report).flatMap(({ outcome, text }) => (outcome === "beats" ? [] : [text]));
  const order = verdicts.rankings.reversed.length === 0 ? [] : [verdicts.rankings.text];
  const seeds = seedsText(report);
  return [verdicts.headline, ...plain, ...order, ...(seeds === null ? [] : [seeds])].flatMap((text) =>
    wrapped(printable(text)),
  );
}

function intervalText([low, high]: readonly [number, number]): string {
  return `[${low.toFixed(3)}, ${high.toFixed(3)}]`;
}

function againstPopularity({ versusPopularity }: ReportModel): string {
  if (versusPopularity === null) return "";
  const { difference, pValue } = versusPopularity;
  const chance = pValue < 0.001 ? "p<.001" : `p=${pValue.toFixed(3).replace(/^0/, "")}`;
  return `${difference < 0 ? "-" : "+"}${Math.abs(difference).toFixed(3)} ${chance}`;
}

function shortened(name: string): string {
  const clean = printable(name);
  return clean.length <= longestName ? clean : `${clean.slice(0, longestName - 2)}..`;
}

function wrapped(text: string): string[] {
  const lines: string[] = [];
  let line = "";
  // A number and its percent sign stay together.
  for (const word of text.replace(/ %/g, "\u00a0%").split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].map((l) => l.replaceAll("\u00a0", " "));
}
