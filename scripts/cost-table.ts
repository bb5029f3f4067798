/**
 * What a deployment costs, from dated prices and a stated usage, as the table of docs/deploy.md:
 *
 *   npx tsx scripts/cost-table.ts [FILE]     by default docs/aws-costs.json; give your region's prices and your own usage
 *
 * Free tiers are left out: what they take off comes on top.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { z } from "zod";

const price = z.number().min(0);
const amount = z.number().min(0);
const costsSchema = z.strictObject({
  prices: z.strictObject({
    asOf: z.string().regex(/^\d{4}-\d\d$/, "expected a month such as 2025-06"),
    region: z.string(),
    currency: z.string(),
    lambdaArmGibSecond: price,
    lambdaMillionRequests: price,
    httpApiMillionRequests: price,
    s3GbMonth: price,
    s3ThousandWrites: price,
    s3ThousandReads: price,
    sqsMillionRequests: price,
    logsGb: price,
    alarmMonth: price,
    dashboardMonth: price,
    ebsGp3GbMonth: price,
    publicIpv4Hour: price,
    secretMonth: price,
    fargateVcpuHour: price,
    fargateGibHour: price,
    instanceHour: z.record(z.string(), z.strictObject({ onDemand: price, spot: price })),
  }),
  usage: z.strictObject({
    storedGb: amount,
    alarms: amount,
    streamingAlarms: amount,
    launcherRunsMonth: amount,
    launcherSeconds: amount,
    launcherGib: amount,
    queuePollsMonth: amount,
    trainingMinutes: amount,
    startMinutes: amount,
    idleMinutes: amount,
    diskGib: z.strictObject({ gpu: amount, cpu: amount }),
    uploadLambdaGibSeconds: amount,
    trainingObjectsWritten: amount,
    scoreSeconds: amount,
    scoreGib: amount,
    logBytesARequest: amount,
    processorVcpu: amount,
    processorGib: amount,
    streamWritesHour: amount,
    streamReadsHour: amount,
  }),
});

export type Costs = z.infer<typeof costsSchema>;

const hoursMonth = 730;
const million = 1e6;

/** @throws ZodError for a file that is not such a table */
export function readCosts(text: string): Costs {
  return costsSchema.parse(JSON.parse(text));
}

/** A table in Markdown. */
export function costTable({ prices, usage }: Costs): string {
  const rows = [
    [
      "**idle**, a month",
      idleCost(prices, usage),
      `${usage.storedGb} GB stored, ${usage.alarms} alarms, a dashboard, the launcher every five minutes`,
    ],
    ...Object.entries(prices.instanceHour).flatMap(([type, { onDemand, spot }]) =>
      (
        [
          ["spot", spot],
          ["on demand", onDemand],
        ] as const
      ).map(
        ([market, hour]) =>
          [
            `**a training** on ${type}, ${market}`,
            trainingCost(prices, usage, type, hour),
            `${usage.startMinutes} + ${usage.trainingMinutes} + ${usage.idleMinutes} minutes to start, train and wait for more`,
          ] as const,
      ),
    ),
    [
      "**a million requests** for recommendations",
      requestsCost(prices, usage),
      `${usage.scoreSeconds * 1000} ms and ${usage.scoreGib} GiB each`,
    ],
    [
      "**streaming**, a month, beside Kafka itself",
      streamingCost(prices, usage),
      `a processor of ${usage.processorVcpu} vCPU and ${usage.processorGib} GiB, a secret, ${usage.streamingAlarms} alarms`,
    ],
  ] as const;
  const head = [
    `| ${prices.currency}, list prices of ${prices.asOf} in ${prices.region} | | what is counted |`,
    "| --- | ---: | --- |",
  ];
  return [...head, ...rows.map(([what, cost, counted]) => `| ${what} | ${money(cost)} | ${counted} |`)].join("\n");
}

function idleCost(prices: Costs["prices"], usage: Costs["usage"]): number {
  return (
    usage.storedGb * prices.s3GbMonth +
    usage.alarms * prices.alarmMonth +
    prices.dashboardMonth +
    usage.launcherRunsMonth * usage.launcherSeconds * usage.launcherGib * prices.lambdaArmGibSecond +
    (usage.launcherRunsMonth / million) * prices.lambdaMillionRequests +
    (usage.queuePollsMonth / million) * prices.sqsMillionRequests
  );
}

function trainingCost(prices: Costs["prices"], usage: Costs["usage"], type: string, instanceHour: number): number {
  const hours = (usage.startMinutes + usage.trainingMinutes + usage.idleMinutes) / 60;
  const disk = type.startsWith("g") ? usage.diskGib.gpu : usage.diskGib.cpu;
  return (
    hours * (instanceHour + prices.publicIpv4Hour + (disk * prices.ebsGp3GbMonth) / hoursMonth) +
    usage.uploadLambdaGibSeconds * prices.lambdaArmGibSecond +
    (usage.trainingObjectsWritten / 1000) * prices.s3ThousandWrites
  );
}

function requestsCost(prices: Costs["prices"], usage: Costs["usage"]): number {
  return (
    prices.httpApiMillionRequests +
    prices.lambdaMillionRequests +
    million * usage.scoreSeconds * usage.scoreGib * prices.lambdaArmGibSecond +
    // The history of a user is one read.
    (million / 1000) * prices.s3ThousandReads +
    ((million * usage.logBytesARequest) / 1e9) * prices.logsGb
  );
}

function streamingCost(prices: Costs["prices"], usage: Costs["usage"]): number {
  const hour =
    usage.processorVcpu * prices.fargateVcpuHour +
    usage.processorGib * prices.fargateGibHour +
    prices.publicIpv4Hour +
    (usage.streamWritesHour / 1000) * prices.s3ThousandWrites +
    (usage.streamReadsHour / 1000) * prices.s3ThousandReads;
  return hoursMonth * hour + prices.secretMonth + usage.streamingAlarms * prices.alarmMonth;
}

function money(value: number): string {
  return value.toFixed(2);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const file = process.argv[2] ?? fileURLToPath(new URL("../docs/aws-costs.json", import.meta.url));
  console.log(costTable(readCosts(readFileSync(file, "utf8"))));
}
