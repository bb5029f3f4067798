/** What of an AWS account decides whether a deployment works: who asks, quotas of machines, the CDK's bootstrap. It only reads. */
import { type CloudFormationClient, DescribeStacksCommand } from "@aws-sdk/client-cloudformation";
import { GetServiceQuotaCommand, type ServiceQuotasClient } from "@aws-sdk/client-service-quotas";
import { GetCallerIdentityCommand, type STSClient } from "@aws-sdk/client-sts";
import type { Market } from "../../ports/worker-launcher.ts";
import { failureFacts } from "./aws-failure.ts";
import { type Ec2Quota, quotaAdvice, quotaOf } from "./ec2-quotas.ts";

export interface Finding {
  readonly what: string;
  /** `warning`: it works, but not as well as it could; `unknown`: it could not be found out. */
  readonly state: "ok" | "warning" | "failed" | "unknown";
  readonly found: string;
  /** What to do; null where there is nothing. */
  readonly advice: string | null;
}

export interface AccountClients {
  readonly sts: STSClient;
  readonly quotas: ServiceQuotasClient;
  readonly cloudFormation: CloudFormationClient;
}

/** The smallest that workers are launched as by default, and the vCPUs that one takes. */
const workers = {
  gpu: { instanceType: "g4dn.xlarge", vcpus: 4 },
  cpu: { instanceType: "c7i.xlarge", vcpus: 4 },
} as const;

const markets: readonly Market[] = ["spot", "onDemand"];

/** The first finding is about the credentials; without them there is no other. */
export async function checkAccount({ sts, quotas, cloudFormation }: AccountClients): Promise<Finding[]> {
  const caller = await credentials(sts);
  if (caller.state === "failed") return [caller];
  const kinds = ["gpu", "cpu"] as const;
  const asked = kinds.flatMap((kind) => markets.map((market) => quota(quotas, kind, market)));
  return [caller, await bootstrap(cloudFormation), ...(await Promise.all(asked))];
}

async function credentials(sts: STSClient): Promise<Finding> {
  const what = "credentials";
  try {
    const { Account, Arn } = await sts.send(new GetCallerIdentityCommand({}));
    return { what, state: "ok", found: `account ${Account}, as ${Arn}`, advice: null };
  } catch (error) {
    const advice = "Log in (aws sso login, aws configure), or set AWS_PROFILE to a profile that works";
    return { what, state: "failed", found: `none that AWS takes (${failureFacts(error).name})`, advice };
  }
}

async function bootstrap(cloudFormation: CloudFormationClient): Promise<Finding> {
  const what = "CDK bootstrap";
  try {
    const { Stacks = [] } = await cloudFormation.send(new DescribeStacksCommand({ StackName: "CDKToolkit" }));
    const version = Stacks[0]?.Outputs?.find(({ OutputKey }) => OutputKey === "BootstrapVersion")?.OutputValue;
    return { what, state: "ok", found: `done${version === undefined ? "" : `, version ${version}`}`, advice: null };
  } catch (error) {
    const { name } = failureFacts(error);
    if (name !== "ValidationError") return unknown(what, name, "cloudformation:DescribeStacks");
    return { what, state: "failed", found: "not done in this region", advice: "Run once: npx cdk bootstrap" };
  }
}

async function quota(quotas: ServiceQuotasClient, kind: keyof typeof workers, market: Market): Promise<Finding> {
  const { instanceType } = workers[kind];
  const of = quotaOf(instanceType, market);
  const what = `quota of ${instanceType}, ${market === "spot" ? "spot" : "on demand"}`;
  try {
    const { Quota } = await quotas.send(new GetServiceQuotaCommand({ ServiceCode: "ec2", QuotaCode: of?.code }));
    return quotaFinding(kind, what, of, Quota?.Value ?? 0);
  } catch (error) {
    return unknown(what, failureFacts(error).name, "servicequotas:GetServiceQuota");
  }
}

/** A quota for GPUs is of use; one for CPUs is needed, since workers fall back to them. */
export function quotaFinding(kind: keyof typeof workers, what: string, of: Ec2Quota | null, vcpus: number): Finding {
  const needed = workers[kind].vcpus;
  const found = `${vcpus} vCPUs`;
  if (vcpus >= needed) return { what, state: "ok", found, advice: null };
  const without =
    kind === "gpu" ? "Until then trainings run on CPUs" : "Until then no training can start on this market";
  return {
    what,
    state: kind === "gpu" ? "warning" : "failed",
    found: `${found}, a worker takes ${needed}`,
    advice: `${quotaAdvice(of)}. ${without}`,
  };
}

function unknown(what: string, name: string, permission: string): Finding {
  const advice = `Look it up in the console, or get the right ${permission}`;
  return { what, state: "unknown", found: `AWS did not say (${name})`, advice };
}
