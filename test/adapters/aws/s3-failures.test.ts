/** S3 and the way to it out of order, and what the object store makes of that. */
import { randomUUID } from "node:crypto";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { S3ObjectStore } from "../../../src/adapters/aws/s3-object-store.ts";
import { onEmulators } from "./emulators.ts";
import { type FaultyRequest, type FaultyWay, faultyWayTo, s3Error } from "./faulty-way.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (content: Uint8Array) => new TextDecoder().decode(content);
const unavailable = s3Error(503, "SlowDown");

onEmulators(["ministack"], (name, settings) => {
  describe(`S3 on ${name}, out of order`, () => {
    const bucket = `ncf-${randomUUID()}`;
    let way: FaultyWay;
    let client: S3Client;
    let store: S3ObjectStore;

    beforeAll(async () => {
      way = await faultyWayTo(settings.endpoint);
      client = new S3Client({ ...settings, endpoint: way.endpoint, forcePathStyle: true, maxAttempts: 3 });
      await client.send(new CreateBucketCommand({ Bucket: bucket }));
    });
    afterAll(async () => {
      client.destroy();
      await way.close();
    });
    beforeEach(() => {
      store = new S3ObjectStore({ client, bucket, prefix: randomUUID() });
    });

    it("for a while is not noticed", async () => {
      way.fail(() => true, [unavailable, unavailable]);
      await store.put("key", bytes("one"));
      way.fail(() => true, [unavailable, "answerLost"]);
      expect(text(await store.get("key"))).toBe("one");
    });

    it("for longer is an error that can pass", async () => {
      way.fail(() => true, Array(100).fill(unavailable));
      const calls = [
        () => store.put("key", bytes("x")),
        () => store.putIfAbsent("key", bytes("x")),
        () => store.get("key"),
        () => store.head("key"),
        () => store.list(""),
        () => store.delete("key"),
      ];
      for (const call of calls) {
        await expect(call()).rejects.toMatchObject({
          code: "STORE_UNAVAILABLE",
          retriable: true,
          data: { attempts: 3 },
        });
      }
      way.fail(() => true, []);
    });

    it("tells a writer whose answer was lost that it has written", async () => {
      way.fail(({ method }) => method === "PUT", ["answerLost"]);
      const first = await store.putIfAbsent("key", bytes("one"));
      expect(first).toEqual(await store.head("key"));
      way.fail(({ method }) => method === "PUT", ["answerLost"]);
      const second = await store.putIfMatch("key", bytes("two"), first?.etag ?? "");
      expect(second).toEqual(await store.head("key"));
      expect(second).not.toBeNull();
    });

    it("tells a writer of many parts whose answer was lost that it has written", async () => {
      way.fail(({ method, url }) => method === "POST" && url.includes("uploadId"), ["answerLost"]);
      const size = 16 * 2 ** 20 + 1;
      expect(await store.putIfAbsent("large", new Uint8Array(size))).toMatchObject({ size });
    });

    it("tells a writer whose answer was lost nothing of what another one wrote", async () => {
      await store.put("key", bytes("another's"));
      way.fail(({ method }) => method === "PUT", ["answerLost"]);
      expect(await store.putIfAbsent("key", bytes("own"))).toBeNull();
    });

    it("asks again while S3 has not decided between writers, and then gives the decision", async () => {
      const conflict = s3Error(409, "ConditionalRequestConflict");
      const isPut = ({ method }: FaultyRequest) => method === "PUT";
      way.fail(isPut, [conflict, conflict]);
      const info = await store.putIfAbsent("key", bytes("one"));
      expect(info).toEqual(await store.head("key"));
      way.fail(isPut, [conflict]);
      expect(await store.putIfAbsent("key", bytes("two"))).toBeNull();
      way.fail(isPut, Array(10).fill(conflict));
      await expect(store.putIfMatch("key", bytes("two"), info?.etag ?? "")).rejects.toMatchObject({
        code: "STORE_UNAVAILABLE",
        retriable: true,
      });
      way.fail(isPut, []);
    });

    it("reads again what breaks off in the middle", async () => {
      await store.put("key", bytes("a content of some length"));
      way.fail(({ method }) => method === "GET", ["answerCut", "answerCut"]);
      expect(text(await store.get("key"))).toBe("a content of some length");
      way.fail(({ method }) => method === "GET", Array(3).fill("answerCut"));
      await expect(store.get("key")).rejects.toMatchObject({ code: "STORE_UNAVAILABLE", retriable: true });
    });

    it("names the permission that is missing", async () => {
      way.fail(() => true, Array(3).fill(s3Error(403, "AccessDenied")));
      await expect(store.put("key", bytes("x"))).rejects.toMatchObject({
        code: "STORE_DENIED",
        retriable: false,
        message: expect.stringContaining("s3:PutObject"),
      });
      await expect(store.head("key")).rejects.toMatchObject({ code: "STORE_DENIED" });
      way.fail(() => true, [s3Error(400, "ExpiredToken")]);
      await expect(store.get("key")).rejects.toMatchObject({
        code: "STORE_DENIED",
        message: expect.stringContaining("Log in again"),
      });
    });

    it("is an error that can pass where nothing listens", async () => {
      const nobody = new S3Client({
        ...settings,
        endpoint: "http://127.0.0.1:1",
        forcePathStyle: true,
        maxAttempts: 1,
      });
      await expect(new S3ObjectStore({ client: nobody, bucket }).get("key")).rejects.toMatchObject({
        code: "STORE_UNAVAILABLE",
        retriable: true,
      });
    });
  });
});
