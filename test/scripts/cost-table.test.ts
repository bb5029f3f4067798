import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { costTable, readCosts } from "../../scripts/cost-table.ts";
import { recommenderApp, resourcesOf, streamContext, templatesOf } from "../cdk/templates.ts";

const read = (name: string) => readFileSync(fileURLToPath(new URL(`../../docs/${name}`, import.meta.url)), "utf8");
const costs = readCosts(read("aws-costs.json"));

describe("the table of costs", () => {
  it("is the one in docs/deploy.md", () => {
    expect(read("deploy.md")).toContain(costTable(costs));
  });

  it("counts the alarms that are deployed", () => {
    const alarmsOf = (context: object) =>
      resourcesOf(templatesOf(recommenderApp({ ...context })).observability, "AWS::CloudWatch::Alarm").length;
    const without = alarmsOf({});
    expect(costs.usage.alarms).toBe(without);
    expect(costs.usage.streamingAlarms).toBe(alarmsOf(streamContext) - without);
  });

  it("follows the prices it is given", () => {
    const { prices, usage } = costs;
    const free = { ...prices, instanceHour: { "g4dn.xlarge": { onDemand: 60, spot: 6 } }, lambdaArmGibSecond: 0 };
    const table = costTable({
      prices: { ...free, publicIpv4Hour: 0, ebsGp3GbMonth: 0, s3ThousandWrites: 0 },
      usage: { ...usage, startMinutes: 5, trainingMinutes: 20, idleMinutes: 5 },
    });
    expect(table).toContain("| **a training** on g4dn.xlarge, spot | 3.00 |");
    expect(table).toContain("| **a training** on g4dn.xlarge, on demand | 30.00 |");
  });

  it("refuses a file that is none", () => {
    expect(() => readCosts('{"prices":{},"usage":{}}')).toThrow();
  });
});
