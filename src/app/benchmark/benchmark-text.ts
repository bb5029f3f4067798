/** What a benchmark gave, for people. */
import type { Judgement, PairComparison } from "../judge.ts";
import { grouped } from "../report/number-text.ts";
import type { BenchmarkFacts } from "./benchmark-split.ts";
import type { BenchmarkResult } from "./evaluate-benchmark.ts";

/** The files in two lines or more, then the models, the best first, each compared with the one that leads. */
export function benchmarkText({ benchmark, judgements, comparisons }: BenchmarkResult): string {
  const ranked = judgements.toSorted((a, b) => b.hrAt10 - a.hrAt10);
  const width = Math.max(...ranked.map(({ name }) => name.length));
  const [leader] = ranked;
  const lines = ranked.map((judgement) => {
    const behind = judgement === leader ? "" : `; ${behindText(leader, judgement, comparisons)}`;
    return `${judgement.name.padEnd(width)}  ${metricsText(judgement)}${behind}`;
  });
  return [...factLines(benchmark), ...lines].join("\n");
}

function factLines(facts: BenchmarkFacts): string[] {
  const { fewestCandidates: fewest, mostCandidates: most } = facts;
  const among = fewest === most ? grouped(most) : `${grouped(fewest)} to ${grouped(most)}`;
  const noted: readonly (readonly [number, string])[] = [
    [facts.ownTestItemUsers, "users have their own test item among their candidates: it is ranked once"],
    [facts.repeatedCandidates, "candidates stand twice in their user's line: they are ranked once"],
    [facts.trainedCandidates, "candidates are in their user's training: they are ranked all the same"],
    [facts.repeatedPairs, "training lines repeat a user's item: the latest counts"],
    [facts.coldTestItems, "test items have no training line"],
  ];
  return [
    `${grouped(facts.interactions)} training lines of ${grouped(facts.users)} users and ${grouped(facts.items)} items; ` +
      `${grouped(facts.testedUsers)} test items, each among ${among} candidates of the file`,
    ...noted.filter(([count]) => count > 0).map(([count, text]) => `${grouped(count)} ${text}`),
    ...(facts.timed ? [] : ["No times: the order of the lines is the order in time"]),
  ];
}

function metricsText({ hrAt10, hrAt10Interval, ndcgAt10, ndcgAt10Interval }: Judgement): string {
  const span = ([low, high]: readonly [number, number]): string => `[${low.toFixed(3)}, ${high.toFixed(3)}]`;
  return `HR@10 ${hrAt10.toFixed(3)} ${span(hrAt10Interval)}  NDCG@10 ${ndcgAt10.toFixed(3)} ${span(ndcgAt10Interval)}`;
}

function behindText(leader: Judgement, judgement: Judgement, comparisons: readonly PairComparison[]): string {
  const names = [leader.name, judgement.name];
  const pair = comparisons.find(({ model, other }) => names.includes(model) && names.includes(other));
  return pair === undefined ? "" : `${Math.abs(pair.difference).toFixed(3)} behind, p = ${pair.pValue.toFixed(4)}`;
}
