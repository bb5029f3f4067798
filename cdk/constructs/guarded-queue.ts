/** A queue with its dead-letter queue. */
import { Duration, Validations } from "aws-cdk-lib";
import { Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import type { AlarmDefinition } from "./alarm-definition.ts";

export interface GuardedQueueProps {
  /** For how long others do not see what one receiver works on. */
  readonly visibilityTimeout: Duration;
  /** Deliveries after which a message becomes a dead letter. */
  readonly maxReceives: number;
}

export class GuardedQueue extends Construct {
  readonly queue: Queue;
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string, { visibilityTimeout, maxReceives }: GuardedQueueProps) {
    super(scope, id);
    this.deadLetters = keepingQueue(this, "DeadLetters");
    this.queue = new Queue(this, "Queue", {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      visibilityTimeout,
      retentionPeriod: Duration.days(14),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: maxReceives },
    });
  }
}

/** A queue that keeps what failed until somebody has looked at it, at most for SQS' 14 days. */
export function keepingQueue(scope: Construct, id: string): Queue {
  const queue = new Queue(scope, id, {
    encryption: QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
    retentionPeriod: Duration.days(14),
  });
  Validations.of(queue).acknowledge({ id: "AwsSolutions-SQS3", reason: "It is where dead letters go." });
  return queue;
}

/** Raised as long as anything lies in a queue that should be empty. */
export function notEmptyAlarm(id: string, queue: Queue, meaning: string): AlarmDefinition {
  const metric = queue.metricApproximateNumberOfMessagesVisible({ period: Duration.minutes(1), statistic: "Maximum" });
  return { id, metric, threshold: 1, meaning };
}
