/** Deploys the repository's stacks to emulators, by the CDK's own command. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { run } from "./child.ts";
import { account, type Emulators, emulatedEnvironment, region } from "./emulators.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const cdk = path.join(root, "node_modules", "aws-cdk", "bin", "cdk");

const outputsSchema = z.record(z.string(), z.record(z.string(), z.string()));

/** What the stacks print, those that others of them use left out. */
export interface Deployment {
  readonly name: string;
  readonly bucket: string;
  readonly trainingRequestsUrl: string;
  readonly trainingJobsUrl: string;
  readonly launchTemplateId: string;
  readonly apiUrl: string;
  readonly curlCommand: string;
}

export interface DeployOptions {
  /** Of the stacks, and of all that they tag. */
  readonly name: string;
  /** Over that of `cdk.json`. */
  readonly context: Readonly<Record<string, string>>;
}

/** @throws NcfError `PROGRAM_FAILED` */
export async function deploy(emulators: Emulators, { name, context }: DeployOptions): Promise<Deployment> {
  // CloudFormation of the same emulator makes the EC2 resources: that of the launches knows no CloudFormation.
  const env = emulatedEnvironment({ ...emulators, ec2Endpoint: emulators.endpoint });
  const folder = await mkdtemp(path.join(tmpdir(), "ncf-cdk-"));
  try {
    const outputs = path.join(folder, "outputs.json");
    const options = Object.entries({ stackName: name, ...context }).flatMap(([key, value]) => [
      "--context",
      `${key}=${value}`,
    ]);
    const command = (cwd: string, ...args: string[]) => run(process.execPath, [cdk, ...args], { env, cwd });
    // Where there is no app, none is synthesised.
    await command(folder, "bootstrap", `aws://${account}/${region}`);
    await command(
      root,
      ...["deploy", "--all", "--require-approval", "never", "--output", path.join(folder, "out")],
      ...["--outputs-file", outputs, ...options],
    );
    return deploymentOf(name, outputsSchema.parse(JSON.parse(await readFile(outputs, "utf8"))));
  } finally {
    await rm(folder, { recursive: true });
  }
}

function deploymentOf(name: string, outputs: z.infer<typeof outputsSchema>): Deployment {
  const [data, training, serving] = ["data", "training", "serving"].map((part) => outputs[`${name}-${part}`] ?? {});
  return {
    name,
    bucket: data.BucketName,
    trainingRequestsUrl: training.TrainingRequestsUrl,
    trainingJobsUrl: training.TrainingJobsUrl,
    launchTemplateId: training.LaunchTemplateId,
    apiUrl: serving.ApiUrl,
    curlCommand: serving.CurlCommand,
  };
}
