/** Requests to an API that takes none but signed ones: AWS Signature Version 4, with the caller's credentials. */
import { createHash, createHmac } from "node:crypto";
import { lookup } from "node:dns";
import http from "node:http";
import https from "node:https";
import type { LookupFunction } from "node:net";
import { text } from "node:stream/consumers";
import { SignatureV4, type SignatureV4Init } from "@smithy/signature-v4";
import { NcfError } from "../../core/errors.ts";

export interface SigningOptions {
  readonly credentials: SignatureV4Init["credentials"];
  readonly region: string;
  /** What the request is for: "execute-api" or "lambda". */
  readonly service: string;
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

/** Longer than the API itself takes for any answer. */
const timeoutMs = 35_000;

/**
 * @param signing null for an API that takes requests as they are
 * @throws NcfError `API_UNAVAILABLE` when no answer comes; what the credentials' provider throws
 */
export async function getSigned(url: URL, signing: SigningOptions | null): Promise<HttpAnswer> {
  const { protocol, hostname, port, pathname: path, searchParams, host } = url;
  const request = {
    method: "GET",
    protocol,
    hostname,
    path,
    query: Object.fromEntries(searchParams),
    headers: { host },
  };
  const headers = signing === null ? {} : (await new SignatureV4({ ...signing, sha256: Sha256 }).sign(request)).headers;
  try {
    return await new Promise((resolve, reject) => {
      const { get } = protocol === "http:" ? http : https;
      const signal = AbortSignal.timeout(timeoutMs);
      get({ hostname, port, path: path + url.search, headers, signal, lookup: lookUp }, (response) => {
        text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
      }).on("error", reject);
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new NcfError("API_UNAVAILABLE", `expected an answer from ${url.origin}, found none: ${reason}. Try again`, {
      cause,
      retriable: true,
    });
  }
}

/** Names below localhost are this machine (RFC 6761), as emulators call their APIs; not every resolver knows that. */
const lookUp: LookupFunction = (host, options, answered) =>
  lookup(host.endsWith(".localhost") ? "localhost" : host, options, answered);

/** As the signer wants it. */
class Sha256 {
  readonly #hash;

  constructor(secret?: ConstructorParameters<NonNullable<SignatureV4Init["sha256"]>>[0]) {
    this.#hash = secret === undefined ? createHash("sha256") : createHmac("sha256", bytesOf(secret));
  }

  update(data: Uint8Array): void {
    this.#hash.update(data);
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  reset(): void {
    throw new Error("a hash of a signature is taken once");
  }
}

function bytesOf(source: string | ArrayBuffer | ArrayBufferView): string | Uint8Array {
  if (typeof source === "string") return source;
  return ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source);
}
