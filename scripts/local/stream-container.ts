/** What the stream processor's container is started with, as its task definition was deployed. */
import { DescribeTaskDefinitionCommand, ECSClient, paginateListTaskDefinitions } from "@aws-sdk/client-ecs";
import { NcfError } from "../../src/core/errors.ts";
import type { Deployment } from "./deployment.ts";
import { clientSettings, type Emulators } from "./emulators.ts";

export interface StreamContainer {
  /** Of `ncf`. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** @throws NcfError `DEPLOYMENT_INCOMPLETE` without a streaming stack */
export async function streamContainer(emulators: Emulators, { bucket }: Deployment): Promise<StreamContainer> {
  const client = new ECSClient(clientSettings(emulators.endpoint));
  try {
    for await (const { taskDefinitionArns = [] } of paginateListTaskDefinitions({ client }, { sort: "DESC" })) {
      for (const taskDefinition of taskDefinitionArns) {
        const described = await client.send(new DescribeTaskDefinitionCommand({ taskDefinition }));
        const [{ command = [], environment = [] } = {}] = described.taskDefinition?.containerDefinitions ?? [];
        const variables = Object.fromEntries(environment.map(({ name = "", value = "" }) => [name, value]));
        if (variables.NCF_REGISTRY === `s3://${bucket}`) return { command, environment: variables };
      }
    }
  } finally {
    client.destroy();
  }
  throw new NcfError(
    "DEPLOYMENT_INCOMPLETE",
    `expected a task definition of a stream processor for ${bucket}, found none. Deploy with kafka=HOST:PORT`,
  );
}
