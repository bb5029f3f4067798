/** The object store on emulators of S3. */
import { randomUUID } from "node:crypto";
import { CreateBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { beforeAll, describe, expect, it } from "vitest";
import { S3ObjectStore } from "../../../src/adapters/aws/s3-object-store.ts";
import { testObjectStore } from "../../conformance/object-store.ts";
import { onEmulators } from "./emulators.ts";

onEmulators(["ministack", "localstack"], (name, settings) => {
  const client = new S3Client({ ...settings, forcePathStyle: true });
  const bucket = `ncf-${randomUUID()}`;
  beforeAll(async () => {
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
  });
  // A prefix a test stands for an empty bucket.
  const newStore = () => new S3ObjectStore({ client, bucket, prefix: randomUUID() });

  testObjectStore(name, async () => ({ store: newStore() }));

  describe(`an S3 bucket on ${name}`, () => {
    const bytes = (text: string) => new TextEncoder().encode(text);
    const partBytes = 16 * 2 ** 20;

    /** So many bytes in chunks of odd sizes, the value hanging on the place. */
    async function* counting(size: number): AsyncGenerator<Uint8Array> {
      const chunk = new Uint8Array(1_000_003);
      for (let at = 0; at < size; at += chunk.length) {
        const length = Math.min(chunk.length, size - at);
        for (let i = 0; i < length; i++) chunk[i] = (at + i) % 251;
        yield chunk.subarray(0, length);
      }
    }

    it("takes a stream of many parts, whose length nobody knows, and gives ranges of it", async () => {
      const store = newStore();
      const size = 2 * partBytes + 7;
      const info = await store.put("large", counting(size));
      expect(info).toEqual(await store.head("large"));
      expect(info.size).toBe(size);
      const from = partBytes - 3;
      const range = await store.getRange("large", from, from + 6);
      expect([...range]).toEqual([0, 1, 2, 3, 4, 5].map((i) => (from + i) % 251));
      expect(await store.getRange("large", size, size + 10)).toHaveLength(0);
      expect(await store.getRange("large", 5, 5)).toHaveLength(0);
    });

    it("puts many parts only where nothing is, and only over what it names", async () => {
      const store = newStore();
      const size = partBytes + 1;
      const first = await store.putIfAbsent("large", counting(size));
      expect(first).toEqual(await store.head("large"));
      expect(await store.putIfAbsent("large", counting(size))).toBeNull();
      const small = await store.putIfMatch("large", bytes("small"), first?.etag ?? "");
      expect(small).not.toBeNull();
      expect(await store.putIfMatch("large", counting(size), first?.etag ?? "")).toBeNull();
      expect(await store.putIfMatch("large", counting(size), small?.etag ?? "")).toMatchObject({ size });
      expect(await store.putIfMatch("none", counting(size), small?.etag ?? "")).toBeNull();
    });

    it("keeps nothing of a stream that fails after many parts, and says what failed it", async () => {
      const store = newStore();
      async function* broken(): AsyncGenerator<Uint8Array> {
        yield* counting(2 * partBytes);
        throw new Error("the source broke");
      }
      await expect(store.put("large", broken())).rejects.toThrow("the source broke");
      expect(await store.head("large")).toBeNull();
    });

    it("lists more than one page, without the folders that the console makes", async () => {
      const store = newStore();
      const keys = Array.from({ length: 1100 }, (_, i) => `many/${String(i).padStart(4, "0")}`);
      for (let at = 0; at < keys.length; at += 50) {
        await Promise.all(keys.slice(at, at + 50).map((key) => store.put(key, new Uint8Array(1))));
      }
      const prefix = randomUUID();
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: `${prefix}/uploads/`, Body: "" }));
      expect(await store.list("many/")).toEqual(keys);
      expect(await new S3ObjectStore({ client, bucket, prefix }).list("")).toEqual([]);
    });

    it("keeps stores of different prefixes apart", async () => {
      const [one, other] = ["team", "team-b/"].map((team) => new S3ObjectStore({ client, bucket, prefix: team }));
      await one.put("key", bytes("one"));
      expect(await other.list("")).toEqual([]);
      expect(await other.head("key")).toBeNull();
      expect(() => new S3ObjectStore({ client, bucket, prefix: "../other" })).toThrow(
        expect.objectContaining({ code: "OBJECT_KEY_INVALID" }),
      );
    });

    it("says which bucket is not there", async () => {
      const store = new S3ObjectStore({ client, bucket: "ncf-none-at-all" });
      const calls = [
        () => store.put("key", bytes("x")),
        () => store.putIfAbsent("key", bytes("x")),
        () => store.get("key"),
        () => store.list(""),
      ];
      for (const call of calls) {
        await expect(call()).rejects.toMatchObject({
          code: "STORE_NOT_FOUND",
          message: expect.stringMatching(/Deploy first/),
        });
      }
    });
  });
});
