/** Objects into S3: small ones by one PutObject, others in parts. Whole or not at all, both ways. */
import { Readable } from "node:stream";
import { PutObjectCommand, type PutObjectCommandInput, type S3Client } from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import type { ObjectBody, ObjectInfo } from "../../ports/object-store.ts";

/** S3 takes 10,000 parts, so objects of unknown length may have 160 GB. About four parts are in memory at a time. */
const partBytes = 16 * 2 ** 20;

/**
 * The body's content where it has no more than a part, for a request that can be sent again; else the body, from its start.
 *
 * @throws what the body's source throws
 */
export async function readFirstPart(body: ObjectBody): Promise<ObjectBody> {
  if (body instanceof Uint8Array) return body;
  const chunks = body[Symbol.asyncIterator]();
  const start: Uint8Array[] = [];
  for (let size = 0; size <= partBytes; ) {
    const next = await chunks.next();
    if (next.done === true) return Buffer.concat(start);
    // Copied, as the source may use its buffer again.
    start.push(next.value.slice());
    size += next.value.length;
  }
  return continued(start, chunks);
}

/** Whether sending it again sends the same. */
export function isRepeatable(body: ObjectBody): body is Uint8Array {
  return body instanceof Uint8Array;
}

/** The body's source threw, not S3. */
export class SourceFailed extends Error {
  constructor(cause: unknown) {
    super("the source of an object's content failed", { cause });
    this.name = "SourceFailed";
  }
}

/** @throws what the SDK throws; SourceFailed */
export async function upload(
  client: S3Client,
  params: Omit<PutObjectCommandInput, "Body">,
  body: ObjectBody,
): Promise<ObjectInfo> {
  if (body instanceof Uint8Array && body.length <= partBytes) {
    const { ETag = "" } = await client.send(new PutObjectCommand({ ...params, Body: body }));
    return { size: body.length, etag: ETag };
  }
  let size = 0;
  let failure: SourceFailed | undefined;
  async function* counted(): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of body instanceof Uint8Array ? [body] : body) {
        size += chunk.length;
        yield chunk;
      }
    } catch (cause) {
      failure = new SourceFailed(cause);
      throw cause;
    }
  }
  const stream = Readable.from(counted(), { objectMode: false });
  try {
    const parts = new Upload({ client, params: { ...params, Body: stream }, partSize: partBytes, queueSize: 2 });
    const { ETag = "" } = await parts.done();
    return { size, etag: ETag };
  } catch (error) {
    // The upload's own error may be one of taking the parts back.
    throw failure ?? error;
  } finally {
    stream.destroy();
  }
}

async function* continued(start: readonly Uint8Array[], chunks: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* start;
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value.slice();
  } finally {
    await chunks.return?.();
  }
}
