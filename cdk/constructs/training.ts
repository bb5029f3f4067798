/** All of training: queues, network, launch template, Lambdas, and what is watched of them. */
import { Duration } from "aws-cdk-lib";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import type { AlarmDefinition, Graph, Watched } from "./alarm-definition.ts";
import { GuardedQueue, notEmptyAlarm } from "./guarded-queue.ts";
import type { Settings } from "./settings.ts";
import { UploadPipeline } from "./upload-pipeline.ts";
import { launchTimeout, WorkerLauncher } from "./worker-launcher.ts";
import { WorkerNetwork } from "./worker-network.ts";
import { WorkerTemplate } from "./worker-template.ts";

export interface TrainingProps {
  readonly settings: Settings;
  readonly bucket: IBucket;
}

export class Training extends Construct implements Watched {
  readonly trainingRequests: GuardedQueue;
  readonly trainingJobs: GuardedQueue;
  readonly network: WorkerNetwork;
  readonly worker: WorkerTemplate;
  readonly uploads: UploadPipeline;
  readonly launcher: WorkerLauncher;
  readonly alarms: readonly AlarmDefinition[];
  readonly graphs: readonly Graph[];

  constructor(scope: Construct, id: string, { settings, bucket }: TrainingProps) {
    super(scope, id);
    this.trainingRequests = new GuardedQueue(this, "TrainingRequests", {
      // AWS' rule for queues that a Lambda reads.
      visibilityTimeout: Duration.seconds(6 * launchTimeout.toSeconds()),
      maxReceives: 5,
    });
    this.trainingJobs = new GuardedQueue(this, "TrainingJobs", {
      // A worker extends it as long as it works; after its death another one waits for no longer.
      visibilityTimeout: Duration.minutes(5),
      maxReceives: 3,
    });
    const { trainingRequests, trainingJobs } = this;
    this.network = new WorkerNetwork(this, "Network", settings);
    const { network } = this;
    this.worker = new WorkerTemplate(this, "Worker", { settings, bucket, network, trainingJobs });
    const { worker } = this;
    this.uploads = new UploadPipeline(this, "Uploads", { settings, bucket, trainingRequests: trainingRequests.queue });
    this.launcher = new WorkerLauncher(this, "Launcher", {
      settings,
      bucket,
      network,
      worker,
      trainingRequests,
      trainingJobs,
    });
    this.alarms = [...this.uploads.alarms, ...this.#alarms()];
    this.graphs = [...this.uploads.graphs, ...this.#graphs()];
  }

  #alarms(): AlarmDefinition[] {
    const { trainingRequests, trainingJobs, launcher } = this;
    return [
      notEmptyAlarm(
        "training-request-failed",
        trainingRequests.deadLetters,
        "A training request could not be launched in five attempts; it lies in the dead-letter queue.",
      ),
      notEmptyAlarm(
        "training-job-failed",
        trainingJobs.deadLetters,
        "A training failed three times; the champion stays in force, and runs/<id>/error.json says why.",
      ),
      {
        id: "training-job-waits",
        // A job's age goes on while a worker is at it; what waits is what all can see.
        metric: trainingJobs.queue.metricApproximateNumberOfMessagesVisible({
          period: Duration.minutes(5),
          statistic: "Minimum",
        }),
        threshold: 1,
        periods: 24,
        meaning: "A training job has waited for two hours: no worker takes it. Nothing is lost.",
      },
      {
        id: "launch-worker-errors",
        metric: launcher.launcher.function.metricErrors({ period: Duration.minutes(5) }),
        threshold: 1,
        periods: 3,
        meaning: "launch-worker has failed for 15 minutes: trainings do not start. Requests wait in their queue.",
      },
      {
        id: "worker-launch-failed",
        metric: launcher.launcher.counted("WorkerLaunchFailed"),
        threshold: 1,
        periods: 2,
        meaning: "Workers cannot be launched: AWS refuses the request itself. Jobs wait.",
      },
      {
        id: "worker-quota",
        metric: launcher.launcher.counted("WorkerQuotaRefused"),
        threshold: 1,
        meaning: "The account's quota refused an instance type; the launcher fell back to CPU types, or waits.",
      },
      {
        id: "worker-shortage",
        metric: launcher.launcher.counted("WorkerShortage"),
        threshold: 1,
        periods: 6,
        meaning: "AWS has had none of the wanted instances for half an hour, spot or on demand. The job waits.",
      },
    ];
  }

  #graphs(): Graph[] {
    const { trainingRequests, trainingJobs, launcher } = this;
    const waiting = [trainingRequests, trainingJobs].flatMap(({ queue, deadLetters }) =>
      [queue, deadLetters].map((q) => q.metricApproximateNumberOfMessagesVisible()),
    );
    return [
      { title: "Training queues", metrics: waiting },
      { title: "Oldest job, s", metrics: [trainingJobs.queue.metricApproximateAgeOfOldestMessage()] },
      {
        title: "Launcher",
        metrics: [launcher.launcher.function.metricInvocations(), launcher.launcher.function.metricErrors()],
      },
    ];
  }
}
