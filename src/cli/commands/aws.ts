/** `ncf aws`: what concerns a deployment to AWS. */
import type { Command } from "commander";
import type { Finding } from "../../adapters/aws/account-check.ts";
import { NcfError } from "../../core/errors.ts";
import * as options from "../options.ts";
import type { Terminal } from "../terminal.ts";

export function addAwsCommands(program: Command, terminal: Terminal): void {
  program
    .command("aws")
    .description("What concerns a deployment to AWS.")
    .command("check")
    .description(
      "Say before a deployment what would fail: credentials, region, the CDK's bootstrap, quotas of machines for workers. It changes nothing.",
    )
    .option("--region <name>", "region to deploy to (default: AWS_REGION, or that of the profile)")
    .addOption(options.jsonOption())
    .action((values: { readonly region?: string; readonly json: boolean }) => check(values, terminal));
}

async function check(
  { region, json }: { readonly region?: string; readonly json: boolean },
  terminal: Terminal,
): Promise<void> {
  terminal.useJson(json);
  const findings = await findingsIn(region);
  terminal.answer({ findings }, findings.map(line).join("\n"));
  const failed = findings.filter(({ state }) => state === "failed");
  if (failed.length === 0) return;
  throw new NcfError(
    "ACCOUNT_UNFIT",
    `expected an account that can be deployed to, found it lacking: ${failed.map(({ what }) => what).join(", ")}. See the advice above`,
  );
}

async function findingsIn(wanted: string | undefined): Promise<Finding[]> {
  // The SDK takes longer to load than all else: who does not need it does not wait for it.
  const { CloudFormationClient } = await import("@aws-sdk/client-cloudformation");
  const { ServiceQuotasClient } = await import("@aws-sdk/client-service-quotas");
  const { STSClient } = await import("@aws-sdk/client-sts");
  const { checkAccount } = await import("../../adapters/aws/account-check.ts");
  const sts = new STSClient({ ...(wanted !== undefined && { region: wanted }) });
  const region = await sts.config.region().catch(() => undefined);
  if (region === undefined) {
    const advice = "Set AWS_REGION, name one with --region, or give your profile one: aws configure";
    return [{ what: "region", state: "failed", found: "none", advice }];
  }
  const clients = {
    sts,
    quotas: new ServiceQuotasClient({ region }),
    cloudFormation: new CloudFormationClient({ region }),
  };
  return [{ what: "region", state: "ok", found: region, advice: null }, ...(await checkAccount(clients))];
}

const marks = { ok: "ok     ", warning: "warning", failed: "FAILED ", unknown: "unknown" } as const;

function line({ what, state, found, advice }: Finding): string {
  return `${marks[state]}  ${what}: ${found}${advice === null ? "" : `\n         ${advice}.`}`;
}
