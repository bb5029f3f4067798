/** What every job queue must do. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type JobMessage, type JobQueue, maxJobBytes } from "../../src/ports/job-queue.ts";

export interface JobQueueUnderTest {
  /** Empty, with dead letters after 3 receives. */
  readonly queue: JobQueue;
  /** Lets time pass for the queue: sets its clock on, or sleeps where the clock is not ours. */
  readonly advance: (ms: number) => Promise<void>;
  readonly close?: () => Promise<void>;
}

/**
 * @param earlierReceipts whether the queue tells an earlier delivery's receipt from the latest; SQS promises less
 * @param noticesWithinSeconds how late the queue may see that a visibility has run out
 */
export function testJobQueue(
  title: string,
  make: () => Promise<JobQueueUnderTest>,
  {
    earlierReceipts,
    noticesWithinSeconds = 0,
  }: { earlierReceipts: "refused" | "perhaps honoured"; noticesWithinSeconds?: number },
): void {
  describe(`${title}: job queue`, () => {
    let queue: JobQueue;
    let advance: (ms: number) => Promise<void>;
    let close: (() => Promise<void>) | undefined;

    beforeEach(async () => {
      ({ queue, advance, close } = await make());
    });
    afterEach(() => close?.());

    const receiveOne = async (visibilityTimeoutSeconds = 2): Promise<JobMessage> => {
      const [message] = await queue.receive({ visibilityTimeoutSeconds, waitSeconds: noticesWithinSeconds });
      expect(message).toBeDefined();
      return message;
    };
    const receiveNone = async (waitSeconds = 0) =>
      expect(await queue.receive({ max: 10, visibilityTimeoutSeconds: 2, waitSeconds })).toEqual([]);

    it("delivers what was sent, exactly, and hides it", async () => {
      const body = JSON.stringify({ run: "r1", text: 'zwölf\n"größer" 🎬 \u0000' });
      const id = await queue.send(body);
      const message = await receiveOne(60);
      expect(message).toMatchObject({ id, body, receiveCount: 1 });
      await receiveNone();
      expect(await queue.counts()).toEqual({ ready: 0, inFlight: 1, deadLetters: 0 });
    });

    it("delivers again when the visibility has run out, under another receipt", async () => {
      const id = await queue.send("job");
      const first = await receiveOne(2);
      await advance(2100);
      const second = await receiveOne(2);
      expect(second).toMatchObject({ id, body: "job", receiveCount: 2 });
      expect(second.receipt).not.toBe(first.receipt);
    });

    it("never delivers again what was deleted", async () => {
      await queue.send("job");
      const { receipt } = await receiveOne(1);
      await queue.delete(receipt);
      await queue.delete(receipt);
      await advance(1100);
      await receiveNone();
      expect(await queue.counts()).toEqual({ ready: 0, inFlight: 0, deadLetters: 0 });
    });

    it("deletes also after the visibility has run out, as long as nobody else got the job", async () => {
      await queue.send("job");
      const { receipt } = await receiveOne(1);
      await advance(1100);
      await queue.delete(receipt);
      await receiveNone();
    });

    it("hides a job for longer on extension, counted from then", async () => {
      await queue.send("job");
      const { receipt } = await receiveOne(4);
      await advance(2000);
      await queue.extend(receipt, 6);
      await advance(4000);
      await receiveNone();
      await queue.extend(receipt, 1);
      await advance(1100);
      expect(await receiveOne()).toMatchObject({ receiveCount: 2 });
    });

    it("gives a job back at once on extension by nothing", async () => {
      await queue.send("job");
      await queue.extend((await receiveOne(60)).receipt, 0);
      expect(await receiveOne()).toMatchObject({ receiveCount: 2 });
    });

    it("refuses to extend once the visibility has run out, or the job is deleted", async () => {
      await queue.send("job");
      const { receipt } = await receiveOne(1);
      await advance(1100);
      await expect(queue.extend(receipt, 5)).rejects.toMatchObject({ code: "JOB_LEASE_LOST" });
      const again = await receiveOne(5);
      await expect(queue.extend(receipt, 5)).rejects.toMatchObject({ code: "JOB_LEASE_LOST" });
      await queue.extend(again.receipt, 5);
      await queue.delete(again.receipt);
      await expect(queue.extend(again.receipt, 5)).rejects.toMatchObject({ code: "JOB_LEASE_LOST" });
    });

    it("takes the deletion of an earlier delivery without an error", async () => {
      await queue.send("job");
      const { receipt } = await receiveOne(1);
      await advance(1100);
      await receiveOne(2);
      await queue.delete(receipt);
    });

    it.skipIf(earlierReceipts !== "refused")("removes nothing by the receipt of an earlier delivery", async () => {
      await queue.send("job");
      const first = await receiveOne(1);
      await advance(1100);
      const second = await receiveOne(2);
      await queue.delete(first.receipt);
      await queue.extend(second.receipt, 1);
      await advance(1100);
      expect(await receiveOne()).toMatchObject({ receiveCount: 3 });
    });

    it("puts a job that came back three times among the dead letters, id and body kept", async () => {
      const id = await queue.send('{"bad":"job"}');
      for (let receiveCount = 1; receiveCount <= 3; receiveCount++) {
        expect(await receiveOne(1)).toMatchObject({ id, receiveCount });
        await advance(1100);
      }
      await receiveNone(noticesWithinSeconds);
      expect(await queue.counts()).toEqual({ ready: 0, inFlight: 0, deadLetters: 1 });
      const dead = await queue.deadLetters?.receive({ visibilityTimeoutSeconds: 1 });
      expect(dead).toMatchObject([{ id, body: '{"bad":"job"}' }]);
      await queue.deadLetters?.delete(dead?.[0]?.receipt ?? "");
      expect(await queue.counts()).toEqual({ ready: 0, inFlight: 0, deadLetters: 0 });
    });

    it("lets a bad job hold up no other", async () => {
      await queue.send("bad");
      for (let receive = 0; receive < 3; receive++) await queue.extend((await receiveOne(60)).receipt, 0);
      await queue.send("good");
      expect(await receiveOne()).toMatchObject({ body: "good", receiveCount: 1 });
    });

    it("gives each of many racing receivers other jobs, and no more than asked for", async () => {
      const ids: string[] = [];
      for (let job = 0; job < 30; job++) ids.push(await queue.send(`job ${job}`));
      const received: JobMessage[] = [];
      const receiver = async (max: number) => {
        for (let empty = 0; empty < 3; ) {
          const messages = await queue.receive({ max, visibilityTimeoutSeconds: 600 });
          expect(messages.length).toBeLessThanOrEqual(max);
          empty = messages.length === 0 ? empty + 1 : 0;
          received.push(...messages);
        }
      };
      await Promise.all([1, 2, 3, 10].map(receiver));
      expect(received.map(({ id }) => id).sort()).toEqual([...ids].sort());
      expect(new Set(received.map(({ receipt }) => receipt)).size).toBe(30);
      expect(await queue.counts()).toMatchObject({ ready: 0, inFlight: 30 });
    });

    it("waits for a job that is on its way", async () => {
      const waiting = queue.receive({ visibilityTimeoutSeconds: 5, waitSeconds: 20 });
      await new Promise((resolve) => setTimeout(resolve, 50));
      await queue.send("late");
      expect(await waiting).toMatchObject([{ body: "late" }]);
    });

    it("waits no longer than asked, or until told to stop", async () => {
      const waiting = queue.receive({ visibilityTimeoutSeconds: 5, waitSeconds: 1 });
      await advance(1100);
      expect(await waiting).toEqual([]);
      const stop = new AbortController();
      const stopped = queue.receive({ visibilityTimeoutSeconds: 5, waitSeconds: 20, signal: stop.signal });
      stop.abort();
      expect(await stopped).toEqual([]);
    });

    it("extends and deletes in the same moment without losing the deletion", async () => {
      for (let round = 0; round < 10; round++) {
        await queue.send(`job ${round}`);
        const { receipt } = await receiveOne(5);
        const extension = queue.extend(receipt, 7).catch((error) => error.code);
        await queue.delete(receipt);
        expect([undefined, "JOB_LEASE_LOST"]).toContain(await extension);
      }
      expect(await queue.counts()).toEqual({ ready: 0, inFlight: 0, deadLetters: 0 });
    });

    it.each([
      ["an empty body", () => queue.send("")],
      ["a body above 256 KiB", () => queue.send("é".repeat(maxJobBytes / 2 + 1))],
      ["a body with a control character", () => queue.send("a\u0000b")],
      ["a body with half a character", () => queue.send("a\ud800b")],
      ["eleven jobs at a time", () => queue.receive({ max: 11, visibilityTimeoutSeconds: 1 })],
      ["no jobs at a time", () => queue.receive({ max: 0, visibilityTimeoutSeconds: 1 })],
      ["a wait above 20 s", () => queue.receive({ waitSeconds: 21, visibilityTimeoutSeconds: 1 })],
      ["a visibility above 12 h", () => queue.receive({ visibilityTimeoutSeconds: 43_201 })],
      ["an extension by a fraction", () => queue.extend("any", 0.5)],
    ])("refuses %s", async (_what, call) => {
      await expect(call()).rejects.toMatchObject({ code: "JOB_INVALID" });
    });

    it("takes the largest body", async () => {
      const body = "é".repeat(maxJobBytes / 2);
      await queue.send(body);
      expect((await receiveOne()).body).toBe(body);
    });
  });
}
