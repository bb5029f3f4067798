/** The API of a deployment, found by the deployment's name. */
import { problemSchema } from "../app/http-api/problem.ts";
import { NcfError } from "../core/errors.ts";

/**
 * The answer to a GET of the path, as JSON.
 *
 * @param stack the deployment's `stackName`
 * @throws NcfError `DEPLOYMENT_UNKNOWN`, `API_REFUSED` with what the API says of it, `API_UNAVAILABLE`
 */
export async function askDeployment(stack: string, path: string): Promise<unknown> {
  // The SDK takes longer to load than all else: who does not need it does not wait for it.
  const { CloudFormationClient, DescribeStacksCommand } = await import("@aws-sdk/client-cloudformation");
  const { getSigned } = await import("../adapters/aws/signed-http.ts");
  const client = new CloudFormationClient();
  const StackName = `${stack}-serving`;
  const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName })).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw unknownDeployment(StackName, reason, cause);
  });
  const output = (key: string): string => {
    const found = Stacks[0]?.Outputs?.find(({ OutputKey }) => OutputKey === key)?.OutputValue;
    if (found === undefined) throw unknownDeployment(StackName, `no output ${key}`);
    return found;
  };
  const service = output("ApiSigning");
  const { credentials } = client.config;
  const signing = service === "none" ? null : { credentials, region: await client.config.region(), service };
  const { status, body } = await getSigned(new URL(`${output("ApiUrl")}${path}`), signing);
  if (status === 200) return JSON.parse(body);
  throw new NcfError("API_REFUSED", `expected an answer from deployment ${stack}, found ${status}: ${reasonIn(body)}`, {
    retriable: status === 429 || status >= 500,
    data: { status },
  });
}

function unknownDeployment(stackName: string, reason: string, cause?: unknown): NcfError {
  return new NcfError(
    "DEPLOYMENT_UNKNOWN",
    `expected the stack ${stackName} in this account and region, found: ${reason}. Name the deployment's stackName, and check ` +
      "AWS_REGION and credentials with: ncf aws check",
    cause === undefined ? {} : { cause },
  );
}

function reasonIn(body: string): string {
  try {
    return problemSchema.parse(JSON.parse(body)).detail;
  } catch {
    return body.slice(0, 200);
  }
}
