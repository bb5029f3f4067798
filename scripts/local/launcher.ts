/**
 * Lets the deployed launcher launch on an emulator that launches from templates. The one that CloudFormation runs on keeps the
 * launch template but launches without it; so the template goes to the other one, and the launcher's settings say so.
 */
import { randomUUID } from "node:crypto";
import {
  CreateLaunchTemplateCommand,
  CreateSecurityGroupCommand,
  DescribeImagesCommand,
  DescribeLaunchTemplateVersionsCommand,
  DescribeSubnetsCommand,
  EC2Client,
  type RequestLaunchTemplateData,
  type ResponseLaunchTemplateData,
} from "@aws-sdk/client-ec2";
import {
  type FunctionConfiguration,
  LambdaClient,
  paginateListFunctions,
  UpdateFunctionConfigurationCommand,
} from "@aws-sdk/client-lambda";
import { NcfError } from "../../src/core/errors.ts";
import type { Deployment } from "./deployment.ts";
import { clientSettings, type Emulators } from "./emulators.ts";

export interface ConnectedLauncher {
  /** The launch template as CloudFormation made it. */
  readonly deployed: ResponseLaunchTemplateData;
  /** Where its copy is launched from. */
  readonly launchTemplateId: string;
  readonly functionName: string;
}

/** @throws NcfError `DEPLOYMENT_INCOMPLETE` */
export async function connectLauncher(emulators: Emulators, deployment: Deployment): Promise<ConnectedLauncher> {
  const made = new EC2Client(clientSettings(emulators.endpoint));
  const launching = new EC2Client(clientSettings(emulators.ec2Endpoint));
  const lambda = new LambdaClient(clientSettings(emulators.endpoint));
  try {
    const { LaunchTemplateVersions: [version] = [] } = await made.send(
      new DescribeLaunchTemplateVersionsCommand({
        LaunchTemplateId: deployment.launchTemplateId,
        Versions: ["$Latest"],
      }),
    );
    const deployed = version?.LaunchTemplateData ?? missing(`launch template ${deployment.launchTemplateId}`);
    const { LaunchTemplate } = await launching.send(
      new CreateLaunchTemplateCommand({
        LaunchTemplateName: `${deployment.name}-${randomUUID()}`,
        LaunchTemplateData: { ...(deployed as RequestLaunchTemplateData), ...(await placesOf(launching, deployment)) },
      }),
    );
    const launchTemplateId = LaunchTemplate?.LaunchTemplateId ?? missing("the copy of the launch template");
    const { Subnets = [] } = await launching.send(new DescribeSubnetsCommand({}));
    const { FunctionName = "", Environment } = await launcherOf(lambda, deployment);
    const changed = {
      AWS_ENDPOINT_URL_EC2: emulators.ec2Endpoint,
      NCF_LAUNCH_TEMPLATE_ID: launchTemplateId,
      NCF_SUBNET_IDS: Subnets.map(({ SubnetId }) => SubnetId).join(","),
    };
    await lambda.send(
      new UpdateFunctionConfigurationCommand({
        FunctionName,
        Environment: { Variables: { ...Environment?.Variables, ...changed } },
      }),
    );
    return { deployed, launchTemplateId, functionName: FunctionName };
  } finally {
    for (const client of [made, launching, lambda]) client.destroy();
  }
}

/** An image and a security group that the launching emulator has, in the places of those that it lacks. */
async function placesOf(launching: EC2Client, { name }: Deployment) {
  const { Images = [] } = await launching.send(
    new DescribeImagesCommand({ Filters: [{ Name: "architecture", Values: ["x86_64"] }] }),
  );
  const image = Images.find(({ Platform }) => Platform === undefined) ?? missing("an image of Linux");
  const { GroupId = "" } = await launching.send(
    new CreateSecurityGroupCommand({ GroupName: `${name}-${randomUUID()}`, Description: "Workers" }),
  );
  return { ImageId: image.ImageId, SecurityGroupIds: [GroupId] };
}

async function launcherOf(client: LambdaClient, { name }: Deployment): Promise<FunctionConfiguration> {
  for await (const { Functions = [] } of paginateListFunctions({ client }, {})) {
    for (const one of Functions) {
      const { NCF_STACK, NCF_LAUNCH_TEMPLATE_ID } = one.Environment?.Variables ?? {};
      if (NCF_STACK === name && NCF_LAUNCH_TEMPLATE_ID !== undefined) return one;
    }
  }
  return missing("the Lambda launch-worker");
}

function missing(what: string): never {
  throw new NcfError("DEPLOYMENT_INCOMPLETE", `expected ${what} among what was deployed, found none. Deploy anew`);
}
