/**
 * An object store in an S3 bucket, or below a prefix of one.
 *
 * A write under a condition hangs on S3's own conditional writes. An answer can get lost: then the SDK sends the request
 * again, and S3 refuses the second one because of the first. So each such write carries a mark, by which a refused one
 * is recognized as done. S3's etag is a hash of the content: of two writers that replace an object by the same bytes both may
 * win, so who must know that it won writes something of its own.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  paginateListObjectsV2,
  type S3Client,
} from "@aws-sdk/client-s3";
import { NcfError } from "../../core/errors.ts";
import { keyParts, type ObjectBody, type ObjectInfo, type ObjectStore } from "../../ports/object-store.ts";
import { awsFailure, canPass, failureFacts } from "./aws-failure.ts";
import { isRepeatable, readFirstPart, SourceFailed, upload } from "./s3-upload.ts";

export interface S3ObjectStoreOptions {
  readonly client: S3Client;
  readonly bucket: string;
  /** Put before every key, such as "team-a/"; nothing by default. */
  readonly prefix?: string;
}

type Condition = { readonly IfNoneMatch: "*" } | { readonly IfMatch: string };

/** The object's metadata that tells one write from another. */
const markName = "ncf-write";
/** Against another conditional write of the same moment, which S3 answers with a conflict rather than a decision. */
const conflictTries = 6;
const firstConflictPauseMs = 50;
/** Of a content whose transfer breaks off. */
const readTries = 3;

export class S3ObjectStore implements ObjectStore {
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #prefix: string;

  /** @throws NcfError `OBJECT_KEY_INVALID` for a prefix that no key can start with */
  constructor({ client, bucket, prefix = "" }: S3ObjectStoreOptions) {
    this.#client = client;
    this.#bucket = bucket;
    this.#prefix = prefix === "" || prefix.endsWith("/") ? prefix : `${prefix}/`;
    if (prefix !== "") keyParts(this.#prefix.slice(0, -1));
  }

  async put(key: string, body: ObjectBody): Promise<ObjectInfo> {
    const place = this.#place(key);
    const content = await readFirstPart(body);
    return this.#asked("PutObject", key, () => upload(this.#client, place, content));
  }

  async putIfAbsent(key: string, body: ObjectBody): Promise<ObjectInfo | null> {
    return this.#putWhere(key, body, { IfNoneMatch: "*" });
  }

  async putIfMatch(key: string, body: ObjectBody, etag: string): Promise<ObjectInfo | null> {
    return this.#putWhere(key, body, { IfMatch: etag });
  }

  async get(key: string): Promise<Uint8Array> {
    return this.#read(key, undefined);
  }

  async getRange(key: string, start: number, end: number): Promise<Uint8Array> {
    if (end > start) return this.#read(key, `bytes=${start}-${end === Number.POSITIVE_INFINITY ? "" : end - 1}`);
    if ((await this.head(key)) === null) throw this.#notFound(key);
    return new Uint8Array();
  }

  async head(key: string): Promise<ObjectInfo | null> {
    return (await this.#head(key))?.info ?? null;
  }

  async list(prefix: string): Promise<string[]> {
    const keys: string[] = [];
    await this.#asked("ListObjectsV2", prefix, async () => {
      const place = { Bucket: this.#bucket, Prefix: this.#prefix + prefix };
      for await (const { Contents = [] } of paginateListObjectsV2({ client: this.#client }, place)) {
        for (const { Key = "" } of Contents) keys.push(Key.slice(this.#prefix.length));
      }
    });
    // The console makes objects such as "folder/", which are no objects of a store.
    return keys.filter(isKey).sort();
  }

  async delete(key: string): Promise<void> {
    const place = this.#place(key);
    await this.#asked("DeleteObject", key, () => this.#client.send(new DeleteObjectCommand(place)));
  }

  #place(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.#bucket, Key: this.#prefix + keyParts(key).join("/") };
  }

  async #putWhere(key: string, body: ObjectBody, condition: Condition): Promise<ObjectInfo | null> {
    const mark = randomUUID();
    const params = { ...this.#place(key), ...condition, Metadata: { [markName]: mark } };
    const content = await readFirstPart(body);
    for (let tries = 1; ; tries++) {
      try {
        return await upload(this.#client, params, content);
      } catch (error) {
        const { name, httpStatus, attempts } = failureFacts(error);
        if (httpStatus !== 404 && httpStatus !== 409 && httpStatus !== 412)
          throw this.#failure("PutObject", key, error);
        const found = await this.#head(key);
        if ((attempts > 1 || !isRepeatable(content)) && found?.mark === mark) return found.info;
        if (httpStatus === 412 || name === "NoSuchKey") return null;
        if (httpStatus === 404) throw this.#failure("PutObject", key, error);
        if (!holds(condition, found?.info)) return null;
        if (tries === conflictTries || !isRepeatable(content)) throw this.#inConflict(key, error);
        await sleep(firstConflictPauseMs * 2 ** (tries - 1) * (0.5 + Math.random()));
      }
    }
  }

  async #head(key: string): Promise<{ info: ObjectInfo; mark: string | undefined } | null> {
    const place = this.#place(key);
    return this.#asked("HeadObject", key, async () => {
      try {
        const { ContentLength = 0, ETag = "", Metadata } = await this.#client.send(new HeadObjectCommand(place));
        return { info: { size: ContentLength, etag: ETag }, mark: Metadata?.[markName] };
      } catch (error) {
        if (failureFacts(error).httpStatus === 404) return null;
        throw error;
      }
    });
  }

  async #read(key: string, range: string | undefined): Promise<Uint8Array> {
    const request = { ...this.#place(key), ...(range !== undefined && { Range: range }) };
    return this.#asked("GetObject", key, async () => {
      for (let tries = 1; ; tries++) {
        try {
          const { Body } = await this.#client.send(new GetObjectCommand(request));
          return (await Body?.transformToByteArray()) ?? new Uint8Array();
        } catch (error) {
          const { name, httpStatus } = failureFacts(error);
          if (name === "NoSuchKey") throw this.#notFound(key);
          if (httpStatus === 416) return new Uint8Array(); // starts behind the object's end
          // The SDK has tried requests again; what it has begun to receive it has not.
          if (httpStatus !== undefined || !canPass(error) || tries === readTries) throw error;
        }
      }
    });
  }

  async #asked<T>(operation: keyof typeof permissions, key: string, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      throw this.#failure(operation, key, error);
    }
  }

  /** What a body's source threw stays what it is. */
  #failure(operation: keyof typeof permissions, key: string, error: unknown): unknown {
    if (error instanceof SourceFailed) return error.cause;
    if (failureFacts(error).name === "NoSuchBucket") {
      return new NcfError(
        "STORE_NOT_FOUND",
        `expected a bucket ${this.#bucket}, found none. Deploy first, or correct the bucket's name`,
        { cause: error },
      );
    }
    const tried = `S3 ${operation} of s3://${this.#bucket}/${this.#prefix}${key}`;
    return awsFailure(error, { port: "STORE", tried, permission: permissions[operation] });
  }

  #inConflict(key: string, cause: unknown): NcfError {
    return new NcfError(
      "STORE_UNAVAILABLE",
      `expected S3 to decide which of several writes at the same moment s3://${this.#bucket}/${this.#prefix}${key} keeps, ` +
        "found a conflict. Try again",
      { cause, retriable: true },
    );
  }

  #notFound(key: string): NcfError {
    return new NcfError(
      "OBJECT_NOT_FOUND",
      `expected an object "${key}" in s3://${this.#bucket}/${this.#prefix}, found none`,
    );
  }
}

/** S3 says 403 of an object that is not there to who may not list. */
const permissions = {
  PutObject: "s3:PutObject and s3:AbortMultipartUpload",
  GetObject: "s3:GetObject (and s3:ListBucket, to be told that an object is not there)",
  HeadObject: "s3:GetObject (and s3:ListBucket, to be told that an object is not there)",
  ListObjectsV2: "s3:ListBucket",
  DeleteObject: "s3:DeleteObject",
} as const;

function holds(condition: Condition, found: ObjectInfo | undefined): boolean {
  return "IfMatch" in condition ? found?.etag === condition.IfMatch : found === undefined;
}

function isKey(key: string): boolean {
  try {
    return keyParts(key).length > 0;
  } catch {
    return false;
  }
}
