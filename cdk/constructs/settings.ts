/** What a deployment can be told, with the defaults. `cdk.json` and `NcfRecommender` take the same settings. */

/** A Kafka that the deployment did not make. */
export interface KafkaSettings {
  /** `HOST:PORT` with commas between. */
  readonly brokers: string;
  /**
   * ARN of a JSON secret with `mechanism` (plain, scram-sha-256 or scram-sha-512), `username` and `password`. Default: none,
   * for brokers that ask for no password
   */
  readonly secretArn?: string;
  /** ARN of the key by which the secret is encrypted, where that is one of your own (Amazon MSK demands it). */
  readonly secretKeyArn?: string;
  /** Whether the connection is encrypted. Default: true */
  readonly tls?: boolean;
  /** URI of the image of this repository's Dockerfile, by tag or digest. */
  readonly image: string;
  /** The instruction set that the image is for. Default: x86_64 */
  readonly architecture?: "x86_64" | "arm64";
  /** Topic of the interactions. Default: interactions */
  readonly topic?: string;
  /** Consumer group of the stream processors. Default: ncf-stream */
  readonly group?: string;
  /** How many processors share the partitions. Default: 1 */
  readonly processors?: number;
}

/** A network that the deployment did not make. */
export interface NetworkSettings {
  readonly vpcId: string;
  /** Subnets with a way to the internet: a NAT, or an internet gateway and `publicIp`. */
  readonly subnetIds: readonly string[];
  /** Whether these are public subnets, in which a container needs an address of its own. Default: false */
  readonly publicIp?: boolean;
}

export interface RecommenderSettings {
  /** Names the deployment: the tag of its workers and the namespace of its metrics. Default: the stack's name */
  readonly name?: string;
  /** Largest upload in bytes; a larger one is refused with a report. Default: 1 GiB */
  readonly maxUploadBytes?: number;
  /** How a sample is drawn and what is trained on it, such as `{ fraction: 0.3, preset: "neumf" }`. Default: all defaults */
  readonly sampleOptions?: Readonly<Record<string, unknown>>;
  /** Instance types with a GPU, in the order of preference; none for workers on CPUs alone. Default: g4dn.xlarge, g5.xlarge */
  readonly gpuInstanceTypes?: readonly string[];
  /**
   * x86_64 instance types to fall back to without a quota for GPUs. Default: c7i.2xlarge, c6i.2xlarge, m7i.2xlarge, and for new
   * accounts, whose quota is 5 vCPUs, c7i.xlarge, m7i.xlarge
   */
  readonly cpuInstanceTypes?: readonly string[];
  /** Workers at a time. Default: 1 */
  readonly maxWorkers?: number;
  /** A worker without work ends itself after so many seconds. Default: 600 */
  readonly workerIdleSeconds?: number;
  /** No worker outlives so many seconds, busy or not. Default: 86,400 */
  readonly workerMaxAgeSeconds?: number;
  /** From one checkpoint to the next. Default: 5 */
  readonly checkpointMinutes?: number;
  /** What workers compute with. Default: auto, a GPU where there is one */
  readonly backend?: "auto" | "tfjs" | "wasm";
  /**
   * Where workers (and stream processors) run: a small network of the deployment's own without NAT, which costs nothing,
   * the account's default VPC, or one that is there. Default: own
   */
  readonly network?: "own" | "default" | NetworkSettings;
  /** Zones of the own network; 2 where a region offers no more. Default: 3 */
  readonly zones?: number;
  /** Whether there is an HTTP API. Default: true */
  readonly httpApi?: boolean;
  /** Whether `score` has a function URL, for a local AWS without HTTP APIs. Default: false */
  readonly functionUrl?: boolean;
  /** Who may call the API: those with the IAM permission, or everybody. Default: iam */
  readonly authorization?: "iam" | "none";
  /** Kafka for interactions and live windows. Default: none */
  readonly kafka?: KafkaSettings;
  /** Whether data outlives the stack. Default: true */
  readonly keepData?: boolean;
  /** Days that logs are kept; one of CloudWatch's own numbers. Default: 30 */
  readonly logDays?: number;
  /** Days that checkpoints and progress of a training are kept. Default: 90 */
  readonly runDays?: number;
  /** Days that older versions of objects are kept, after which a deletion is for good. Default: 30 */
  readonly oldVersionDays?: number;
  /** Whom alarms are mailed to. Default: nobody; the alarms show on the dashboard */
  readonly alarmEmail?: string;
  /** Folder of the bundles, `lambdas/` and `gpu-worker/`. Default: those of this package */
  readonly assetsFolder?: string;
}

/** Settings with the defaults filled in. */
export type Settings = Required<Omit<RecommenderSettings, "kafka" | "alarmEmail" | "assetsFolder">> &
  Pick<RecommenderSettings, "kafka" | "alarmEmail" | "assetsFolder">;

/** The consumer group of the stream processors. */
export function streamGroup({ group = "ncf-stream" }: KafkaSettings): string {
  return group;
}

/** @throws Error for settings that cannot be deployed, with what to do */
export function withDefaults(given: RecommenderSettings, stackName: string): Settings {
  const settings: Settings = {
    name: stackName,
    maxUploadBytes: 1024 ** 3,
    sampleOptions: {},
    gpuInstanceTypes: ["g4dn.xlarge", "g5.xlarge"],
    cpuInstanceTypes: ["c7i.2xlarge", "c6i.2xlarge", "m7i.2xlarge", "c7i.xlarge", "m7i.xlarge"],
    maxWorkers: 1,
    workerIdleSeconds: 600,
    workerMaxAgeSeconds: 86_400,
    checkpointMinutes: 5,
    backend: "auto",
    network: "own",
    zones: 3,
    httpApi: true,
    functionUrl: false,
    authorization: "iam",
    keepData: true,
    logDays: 30,
    runDays: 90,
    oldVersionDays: 30,
    // Plain JavaScript may say undefined for "not given".
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  };
  for (const problem of problemsOf(settings)) throw new Error(problem);
  return settings;
}

/** Whose ratings the largest Lambda can hold. */
const largestUploadBytes = 4 * 1024 ** 3;
/** What the worker takes; see its environment. */
const workerLimits = {
  workerIdleSeconds: [0, 86_400],
  workerMaxAgeSeconds: [60, 20 * 86_400],
  checkpointMinutes: [1, 1440],
} as const;

function* problemsOf(settings: Settings): Generator<string> {
  const { name, maxUploadBytes, cpuInstanceTypes, httpApi, functionUrl, kafka, network } = settings;
  if (!/^[A-Za-z][A-Za-z0-9-]{0,39}$/.test(name)) {
    yield `name: expected a letter, then up to 39 letters, digits and hyphens, found "${name}"`;
  }
  if (!Number.isInteger(maxUploadBytes) || maxUploadBytes < 1 || maxUploadBytes > largestUploadBytes) {
    yield `maxUploadBytes: expected 1 to ${largestUploadBytes} (a Lambda's memory), found ${maxUploadBytes}. Split larger data`;
  }
  for (const name of ["workerIdleSeconds", "workerMaxAgeSeconds", "checkpointMinutes"] as const) {
    const [least, most] = workerLimits[name];
    const found = settings[name];
    if (!Number.isInteger(found) || found < least || found > most) {
      yield `${name}: expected a whole number from ${least} to ${most}, found ${found}`;
    }
  }
  if (cpuInstanceTypes.length === 0) {
    yield "cpuInstanceTypes: expected at least one, which the launcher falls back to, found none";
  }
  if (!httpApi && !functionUrl) {
    yield "expected httpApi or functionUrl, found neither: nobody could ask for recommendations. Turn one on";
  }
  if (kafka === undefined) return;
  if (!httpApi) yield "kafka: expected the HTTP API, which POST /interactions is part of. Turn httpApi on";
  if (network === "default") {
    yield 'kafka: expected network "own", or a vpcId with subnets, for the stream processor, found "default". Name the VPC';
  }
}
