/** The job queue on emulators of SQS. */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { CreateQueueCommand, DeleteQueueCommand, SQSClient } from "@aws-sdk/client-sqs";
import { describe, expect, it } from "vitest";
import { SqsJobQueue } from "../../../src/adapters/aws/sqs-job-queue.ts";
import { testJobQueue } from "../../conformance/job-queue.ts";
import { onEmulators } from "./emulators.ts";
import { faultyWayTo, sqsError } from "./faulty-way.ts";

onEmulators(["ministack", "localstack"], (name, settings) => {
  const client = new SQSClient(settings);

  const newQueue = async (Attributes: Record<string, string> = {}): Promise<string> => {
    const { QueueUrl = "" } = await client.send(
      new CreateQueueCommand({ QueueName: `ncf-${randomUUID()}`, Attributes }),
    );
    return QueueUrl;
  };
  const newPair = async (): Promise<{ url: string; deadLettersUrl: string }> => {
    const deadLettersUrl = await newQueue();
    const deadLetterTargetArn = `arn:aws:sqs:us-east-1:000000000000:${deadLettersUrl.split("/").at(-1)}`;
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn, maxReceiveCount: 3 });
    return { url: await newQueue({ RedrivePolicy }), deadLettersUrl };
  };

  testJobQueue(
    name,
    async () => {
      const { url, deadLettersUrl } = await newPair();
      const close = async (): Promise<void> => {
        for (const QueueUrl of [url, deadLettersUrl]) await client.send(new DeleteQueueCommand({ QueueUrl }));
      };
      return { queue: await SqsJobQueue.open({ client, url }), advance: (ms) => sleep(ms), close };
    },
    { earlierReceipts: "perhaps honoured", noticesWithinSeconds: 2 },
  );

  describe(`an SQS queue on ${name}`, () => {
    it("without a redrive policy has no dead letters", async () => {
      const queue = await SqsJobQueue.open({ client, url: await newQueue() });
      expect(queue.deadLetters).toBeNull();
      expect(await queue.counts()).toEqual({ ready: 0, inFlight: 0, deadLetters: 0 });
    });

    it("out of order is an error that can pass; one that is closed to us names the permission", async () => {
      const way = await faultyWayTo(settings.endpoint);
      const through = new SQSClient({ ...settings, endpoint: way.endpoint, maxAttempts: 2 });
      const queue = new SqsJobQueue({ client: through, url: await newQueue() });
      way.fail(() => true, [sqsError(503, "ServiceUnavailable")]);
      await queue.send("job");
      const calls = { send: () => queue.send("x"), counts: () => queue.counts() };
      for (const call of Object.values(calls)) {
        way.fail(() => true, Array(2).fill(sqsError(500, "InternalError")));
        await expect(call()).rejects.toMatchObject({ code: "QUEUE_UNAVAILABLE", retriable: true });
      }
      way.fail(() => true, [sqsError(403, "AccessDeniedException")]);
      await expect(queue.send("x")).rejects.toMatchObject({
        code: "QUEUE_DENIED",
        retriable: false,
        message: expect.stringContaining("sqs:SendMessage"),
      });
      expect(await queue.counts()).toEqual({ ready: 1, inFlight: 0, deadLetters: 0 });
      through.destroy();
      await way.close();
    });

    it("that is not there is named, with the way out", async () => {
      const url = (await newQueue()).replace(/[^/]*$/, "ncf-none-at-all");
      const queue = new SqsJobQueue({ client, url });
      for (const call of [
        () => queue.send("x"),
        () => queue.receive({ visibilityTimeoutSeconds: 1 }),
        () => queue.counts(),
      ]) {
        await expect(call()).rejects.toMatchObject({ code: "QUEUE_NOT_FOUND", message: expect.stringContaining(url) });
      }
    });
  });
});
