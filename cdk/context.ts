/** The settings as the context says them, which `cdk.json` holds and `--context NAME=VALUE` overrides. */
import type { Node } from "constructs";
import { z } from "zod";
import type { RecommenderSettings } from "./constructs/settings.ts";

/** With commas between; "none" is an empty one. */
const list = z
  .union([z.string().transform((text) => (text === "none" ? [] : text.split(","))), z.array(z.string())])
  .transform((items) => items.map((item) => item.trim()).filter((item) => item !== ""));
const integer = (min: number) => z.coerce.number().int().min(min);
/** On the command line all values are text. */
const flag = z.union([z.boolean(), z.enum(["true", "false"]).transform((text) => text === "true")]);
const json = z.preprocess(
  (value, context) => {
    if (typeof value !== "string") return value;
    try {
      return JSON.parse(value);
    } catch {
      context.addIssue({ code: "custom", message: `expected JSON, found "${value}"` });
      return z.NEVER;
    }
  },
  z.record(z.string(), z.unknown()),
);

const contextSchema = z.object({
  stackName: z.string(),
  region: z.string().optional(),
  account: z
    .string()
    .regex(/^\d{12}$/, "expected 12 digits")
    .optional(),
  maxUploadBytes: integer(1).optional(),
  sampleOptions: json.optional(),
  gpuInstanceTypes: list.optional(),
  cpuInstanceTypes: list.optional(),
  maxWorkers: integer(1).optional(),
  workerIdleSeconds: integer(0).optional(),
  workerMaxAgeSeconds: integer(60).optional(),
  checkpointMinutes: integer(1).optional(),
  backend: z.enum(["auto", "tfjs", "wasm"]).optional(),
  vpc: z.union([z.enum(["own", "default"]), z.string().regex(/^vpc-[0-9a-f]+$/)]).optional(),
  subnets: list.optional(),
  publicIp: flag.optional(),
  zones: integer(1).optional(),
  httpApi: flag.optional(),
  functionUrl: flag.optional(),
  authorization: z.enum(["iam", "none"]).optional(),
  keepData: flag.optional(),
  logDays: integer(1).optional(),
  runDays: integer(1).optional(),
  oldVersionDays: integer(1).optional(),
  alarmEmail: z.string().optional(),
  assetsFolder: z.string().optional(),
  /** "none", or brokers. */
  kafka: z.string().default("none"),
  kafkaSecret: z.string().optional(),
  kafkaSecretKey: z.string().optional(),
  kafkaTls: flag.optional(),
  streamImage: z.string().optional(),
  streamArchitecture: z.enum(["x86_64", "arm64"]).optional(),
  streamGroup: z.string().optional(),
  streamProcessors: integer(1).optional(),
  interactionsTopic: z.string().optional(),
});

export interface DeploymentContext {
  readonly settings: RecommenderSettings & { readonly name: string };
  readonly region: string | undefined;
  readonly account: string | undefined;
}

/** @throws Error that names what is wrong, and where to change it */
export function readContext(node: Node): DeploymentContext {
  const names = Object.keys(contextSchema.shape);
  const given = names.map((name) => [name, node.tryGetContext(name)] as const);
  // An empty value is how cdk.json and a command line say "not given".
  const parsed = contextSchema.safeParse(
    Object.fromEntries(given.filter(([, value]) => value !== "" && value !== null)),
  );
  if (!parsed.success) {
    throw new Error(`the context (cdk.json, --context): ${z.prettifyError(parsed.error)}`);
  }
  const { stackName, region, account, vpc, subnets, publicIp, ...others } = parsed.data;
  const {
    kafka,
    kafkaSecret,
    kafkaSecretKey,
    kafkaTls,
    streamImage,
    streamArchitecture,
    streamGroup,
    streamProcessors,
    interactionsTopic,
    ...plain
  } = others;
  const network = networkOf(vpc, subnets, publicIp);
  const settings = defined({
    ...plain,
    name: stackName,
    network,
    kafka:
      kafka === "none"
        ? undefined
        : defined({
            brokers: kafka,
            secretArn: kafkaSecret,
            secretKeyArn: kafkaSecretKey,
            tls: kafkaTls,
            image: streamImage ?? missingImage(),
            architecture: streamArchitecture,
            topic: interactionsTopic,
            group: streamGroup,
            processors: streamProcessors,
          }),
  });
  return { settings: settings as DeploymentContext["settings"], region, account };
}

function networkOf(
  vpc: string | undefined,
  subnets: readonly string[] = [],
  publicIp = false,
): RecommenderSettings["network"] {
  if (vpc === undefined || vpc === "own") return "own";
  if (vpc === "default") return "default";
  if (subnets.length > 0) return { vpcId: vpc, subnetIds: subnets, publicIp };
  throw new Error("the context (cdk.json, --context): expected subnets=subnet-...,subnet-... beside vpc, found none");
}

function missingImage(): never {
  throw new Error(
    "the context (cdk.json, --context): expected streamImage beside kafka, the URI of the image that this repository's Dockerfile makes, found none",
  );
}

function defined<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}
