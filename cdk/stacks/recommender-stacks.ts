/** The deployment of this repository: a stack for each part, data apart from what works on it. */
import type { App, Environment } from "aws-cdk-lib";
import type { Settings } from "../constructs/settings.ts";
import { DataStack } from "./data-stack.ts";
import { ObservabilityStack } from "./observability-stack.ts";
import { ServingStack } from "./serving-stack.ts";
import { StreamingStack } from "./streaming-stack.ts";
import { TrainingStack } from "./training-stack.ts";

export function addRecommenderStacks(app: App, settings: Settings, env: Environment): void {
  const { name, kafka, keepData } = settings;
  const props = (description: string) => ({ env, description: `ncf-stream: ${description}` });
  const data = new DataStack(app, `${name}-data`, settings, {
    ...props("the bucket"),
    terminationProtection: keepData,
  });
  const { training } = new TrainingStack(app, `${name}-training`, settings, data, props("from an upload to a model"));
  const { serving } = new ServingStack(app, `${name}-serving`, settings, data, props("recommendations over HTTP"));
  const { network, trainingRequests } = training;
  const parts = { settings, trainingRequests: trainingRequests.queue, network, serving };
  const streaming =
    kafka === undefined
      ? []
      : [
          new StreamingStack(app, `${name}-streaming`, { ...parts, kafka }, data, props("from Kafka to windows"))
            .streaming,
        ];
  const watched = [training, serving, ...streaming];
  new ObservabilityStack(app, `${name}-observability`, { settings, watched }, props("alarms and dashboard"));
}
