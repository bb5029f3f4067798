import { randomUUID } from "node:crypto";
import { EC2Client } from "@aws-sdk/client-ec2";
import { Ec2WorkerLauncher } from "../../src/adapters/aws/ec2-worker-launcher.ts";
import { bucketStore, queueAt } from "../aws-clients.ts";
import { environment } from "../environment.ts";
import { createHandler } from "../launch-worker.ts";
import { observer } from "../observability.ts";

const settings = environment([
  "NCF_BUCKET",
  "NCF_STACK",
  "NCF_TRAINING_JOBS_URL",
  "NCF_LAUNCH_TEMPLATE_ID",
  "NCF_GPU_INSTANCE_TYPES",
  "NCF_CPU_INSTANCE_TYPES",
  "NCF_SUBNET_IDS",
  "NCF_MAX_WORKERS",
]);

export const handler = createHandler({
  store: bucketStore(settings.NCF_BUCKET),
  jobs: queueAt(settings.NCF_TRAINING_JOBS_URL),
  launcher: new Ec2WorkerLauncher({
    client: new EC2Client(),
    stack: settings.NCF_STACK,
    launchTemplateId: settings.NCF_LAUNCH_TEMPLATE_ID,
    subnetIds: settings.NCF_SUBNET_IDS,
  }),
  options: {
    gpuInstanceTypes: settings.NCF_GPU_INSTANCE_TYPES,
    cpuInstanceTypes: settings.NCF_CPU_INSTANCE_TYPES,
    maxWorkers: settings.NCF_MAX_WORKERS,
  },
  nowMs: Date.now,
  newId: randomUUID,
  observer: observer(),
});
