/**
 * A job queue in SQS (a standard queue), whose redrive policy says where dead letters go. SQS keeps less than the port
 * promises of a delivery that is over: it may extend it although the visibility has run out. So the queue object remembers
 * until when the deliveries that it made are hidden. A receive that waits for nothing may miss jobs, as SQS then asks some of its
 * servers only; wait a second where that matters.
 */
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { NcfError } from "../../core/errors.ts";
import {
  checkJobBody,
  checkReceiveOptions,
  checkVisibilitySeconds,
  type JobCounts,
  type JobMessage,
  type JobQueue,
  jobLeaseLost,
  type ReceiveOptions,
} from "../../ports/job-queue.ts";
import { awsFailure, failureFacts } from "./aws-failure.ts";

export interface SqsJobQueueOptions {
  readonly client: SQSClient;
  /** The queue's URL. */
  readonly url: string;
  /** The URL of its dead-letter queue; null, the default, where nobody here looks into that. */
  readonly deadLettersUrl?: string | null;
}

/** What SQS says of a receipt whose delivery is over. */
const overNames = new Set([
  "ReceiptHandleIsInvalid",
  "MessageNotInflight",
  "AWS.SimpleQueueService.MessageNotInflight",
  "InvalidParameterValue",
  "InvalidParameterValueException",
]);
/** Nobody hides a job for longer, so what is older needs no remembering. */
const longestMs = 43_200_000;

export class SqsJobQueue implements JobQueue {
  readonly deadLetters: SqsJobQueue | null;
  readonly #client: SQSClient;
  readonly #url: string;
  /** By receipt: until when, on this process's clock, the job is hidden from others. */
  readonly #hiddenUntilMs = new Map<string, number>();

  constructor({ client, url, deadLettersUrl = null }: SqsJobQueueOptions) {
    this.#client = client;
    this.#url = url;
    this.deadLetters = deadLettersUrl === null ? null : new SqsJobQueue({ client, url: deadLettersUrl });
  }

  /**
   * The queue with the dead-letter queue that its redrive policy names.
   *
   * @throws NcfError `QUEUE_NOT_FOUND`, `QUEUE_DENIED`, `QUEUE_UNAVAILABLE`
   */
  static async open({ client, url }: { readonly client: SQSClient; readonly url: string }): Promise<SqsJobQueue> {
    const queue = new SqsJobQueue({ client, url });
    const { RedrivePolicy } = await queue.#attributes(["RedrivePolicy"]);
    if (RedrivePolicy === undefined || RedrivePolicy === "") return queue;
    const { deadLetterTargetArn } = JSON.parse(RedrivePolicy) as { deadLetterTargetArn: string };
    const [QueueName, QueueOwnerAWSAccountId] = deadLetterTargetArn.split(":").reverse();
    const { QueueUrl = null } = await queue.#asked("GetQueueUrl", () =>
      client.send(new GetQueueUrlCommand({ QueueName, QueueOwnerAWSAccountId })),
    );
    return new SqsJobQueue({ client, url, deadLettersUrl: QueueUrl });
  }

  async send(body: string): Promise<string> {
    checkJobBody(body);
    const { MessageId = "" } = await this.#asked("SendMessage", () =>
      this.#client.send(new SendMessageCommand({ QueueUrl: this.#url, MessageBody: body })),
    );
    return MessageId;
  }

  async receive(options: ReceiveOptions): Promise<JobMessage[]> {
    checkReceiveOptions(options);
    const { max = 1, visibilityTimeoutSeconds, waitSeconds = 0, signal } = options;
    if (signal?.aborted === true) return [];
    const command = new ReceiveMessageCommand({
      QueueUrl: this.#url,
      MaxNumberOfMessages: max,
      VisibilityTimeout: visibilityTimeoutSeconds,
      WaitTimeSeconds: waitSeconds,
      MessageSystemAttributeNames: ["ApproximateReceiveCount"],
    });
    const { Messages = [] } = await this.#asked("ReceiveMessage", () =>
      this.#client.send(command, signal && { abortSignal: signal }).catch((error) => {
        // What SQS has delivered in this moment comes again when its visibility has run out.
        if (signal?.aborted === true) return { Messages: [] };
        throw error;
      }),
    );
    return Messages.map(({ MessageId = "", Body = "", ReceiptHandle = "", Attributes }) => {
      this.#remember(ReceiptHandle, visibilityTimeoutSeconds);
      const receiveCount = Number(Attributes?.ApproximateReceiveCount ?? 1);
      return { id: MessageId, body: Body, receipt: ReceiptHandle, receiveCount };
    });
  }

  async extend(receipt: string, seconds: number): Promise<void> {
    checkVisibilitySeconds(seconds);
    if ((this.#hiddenUntilMs.get(receipt) ?? Number.POSITIVE_INFINITY) <= performance.now())
      throw jobLeaseLost(receipt);
    const command = new ChangeMessageVisibilityCommand({
      QueueUrl: this.#url,
      ReceiptHandle: receipt,
      VisibilityTimeout: seconds,
    });
    await this.#asked("ChangeMessageVisibility", () =>
      this.#client.send(command).catch((error) => {
        throw overNames.has(failureFacts(error).name) ? jobLeaseLost(receipt) : error;
      }),
    );
    this.#remember(receipt, seconds);
  }

  async delete(receipt: string): Promise<void> {
    await this.#asked("DeleteMessage", () =>
      this.#client.send(new DeleteMessageCommand({ QueueUrl: this.#url, ReceiptHandle: receipt })).catch((error) => {
        if (!overNames.has(failureFacts(error).name)) throw error;
      }),
    );
    this.#remember(receipt, 0);
  }

  async counts(): Promise<JobCounts> {
    const own = await this.#waiting();
    if (this.deadLetters === null) return { ...own, deadLetters: 0 };
    const dead = await this.deadLetters.#waiting();
    return { ...own, deadLetters: dead.ready + dead.inFlight };
  }

  async #waiting(): Promise<{ ready: number; inFlight: number }> {
    const found = await this.#attributes(["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]);
    return {
      ready: Number(found.ApproximateNumberOfMessages ?? 0),
      inFlight: Number(found.ApproximateNumberOfMessagesNotVisible ?? 0),
    };
  }

  async #attributes(
    AttributeNames: ("RedrivePolicy" | "ApproximateNumberOfMessages" | "ApproximateNumberOfMessagesNotVisible")[],
  ): Promise<Record<string, string>> {
    const { Attributes = {} } = await this.#asked("GetQueueAttributes", () =>
      this.#client.send(new GetQueueAttributesCommand({ QueueUrl: this.#url, AttributeNames })),
    );
    return Attributes;
  }

  #remember(receipt: string, seconds: number): void {
    const nowMs = performance.now();
    // In the order of remembering, so the oldest are first.
    this.#hiddenUntilMs.delete(receipt);
    this.#hiddenUntilMs.set(receipt, nowMs + 1000 * seconds);
    for (const [old, hiddenUntilMs] of this.#hiddenUntilMs) {
      if (hiddenUntilMs > nowMs - longestMs) break;
      this.#hiddenUntilMs.delete(old);
    }
  }

  async #asked<T>(operation: string, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      const { name } = failureFacts(error);
      if (name === "QueueDoesNotExist" || name === "AWS.SimpleQueueService.NonExistentQueue") {
        throw new NcfError(
          "QUEUE_NOT_FOUND",
          `expected an SQS queue ${this.#url}, found none. Deploy first, or correct the URL`,
          { cause: error },
        );
      }
      const permission = `sqs:${operation}`;
      throw awsFailure(error, { port: "QUEUE", tried: `SQS ${operation} at ${this.#url}`, permission });
    }
  }
}
