/** What a report says of each split. */
import { leakageShare } from "../../core/evaluation.ts";
import type { SampleFiles } from "../../ports/sample-store.ts";
import { meanFigures } from "../judging/mean-figures.ts";
import type { RankedSplit } from "../judging/rank-models.ts";
import type { Report } from "./report.ts";

export function splitFacts({ sample, manifest }: SampleFiles, ranked: RankedSplit): Report["splits"][number] {
  return {
    beforeMs: manifest.testPeriod?.fromMs ?? null,
    trainingInteractions: sample.train.items.length,
    testedUsers: manifest.counts.testedUsers,
    newUsers: manifest.testPeriod?.newUsers ?? 0,
    shareOfTrainingAfterTestEvent: leakageShare(sample),
    models: meanFigures([ranked]),
  };
}
