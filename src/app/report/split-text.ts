/** How test items were held out, in words. */
import { grouped } from "./number-text.ts";
import type { Report } from "./report.ts";
import { itemNoun } from "./verdicts.ts";

/** A moment as its day in UTC: "2016-04-01". */
export function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** Tests of all splits together, such as "610 users tested, each with one held-out movie". */
export function testsText({ dataset, protocol, splits }: Report): string {
  const noun = itemNoun(dataset);
  const tests = splits.reduce((sum, { testedUsers }) => sum + testedUsers, 0);
  const days = splits.flatMap(({ beforeMs }) => (beforeMs === null ? [] : [dayOf(beforeMs)]));
  switch (protocol.split) {
    case "leaveOneOut":
      return `${grouped(tests)} users tested, each with one held-out ${noun}`;
    case "temporal":
      return `${grouped(tests)} users tested, each with their next ${noun} from ${days[0]} on,`;
    case "rolling":
      return `${grouped(tests)} tests of a user's next ${noun} after one of ${splits.length} moments from ${days[0]} to ${days.at(-1)},`;
  }
}

/** Mean and spread of the models that were trained under several seeds; null where none was. */
export function seedsText({ models }: Pick<Report, "models">): string | null {
  const seeded = models.flatMap(({ name, seeds }) => (seeds === null ? [] : [{ name, ...seeds }]));
  if (seeded.length === 0) return null;
  const list = seeded.map(
    ({ name, hrAt10 }) => `${name} ${hrAt10.mean.toFixed(3)} ± ${hrAt10.standardDeviation.toFixed(3)}`,
  );
  return `HR@10 over ${seeded[0].seeds.length} seeds, mean ± standard deviation: ${list.join(", ")}.`;
}
