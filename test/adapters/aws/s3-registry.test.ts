/** The model registry in S3: publishers race over conditional writes. */
import { randomUUID } from "node:crypto";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { beforeAll } from "vitest";
import { S3ObjectStore } from "../../../src/adapters/aws/s3-object-store.ts";
import { ObjectStoreRegistry } from "../../../src/adapters/registry/object-store-registry.ts";
import { testModelRegistry } from "../../conformance/model-registry.ts";
import { onEmulators } from "./emulators.ts";

onEmulators(["ministack"], (name, settings) => {
  const client = new S3Client({ ...settings, forcePathStyle: true });
  const bucket = `ncf-${randomUUID()}`;
  beforeAll(async () => {
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
  });

  testModelRegistry(
    `S3 on ${name}`,
    async () => {
      const store = new S3ObjectStore({ client, bucket, prefix: randomUUID() });
      const nowMs = 1_700_000_000_123;
      const [registry, rival] = [1, 2].map(() => new ObjectStoreRegistry(store, { nowMs: () => nowMs }));
      return { registry, rival, store, nowMs };
    },
    { moves: 40 },
  );
});
