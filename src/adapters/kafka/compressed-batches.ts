/**
 * Record batches that their producers compressed. kafkajs unpacks gzip alone, so it is given the others, too; what unpacks a
 * batch is loaded when the first such batch comes.
 */
import { promisify } from "node:util";
import zlib from "node:zlib";
import kafkajs from "kafkajs";
import { NcfError } from "../../core/errors.ts";

/** With gzip and zstd, a small batch may stand for gigabytes, which would fill the memory; with the others for little more. */
const maxUnpackedBytes = 256 * 1024 * 1024;

type Unpack = (batch: Buffer) => Promise<Buffer>;

/** kafkajs' kind of a codec. */
interface Codec {
  /** Never asked for: what is written here is not compressed. */
  readonly compress: () => Promise<Buffer>;
  readonly decompress: Unpack;
}

/** Lets every client of kafkajs in this process read compressed batches. */
export function readCompressedBatches(): void {
  const { CompressionCodecs, CompressionTypes } = kafkajs;
  CompressionCodecs[CompressionTypes.GZIP] = once("gzip", gzip);
  CompressionCodecs[CompressionTypes.Snappy] = once("snappy", snappy);
  CompressionCodecs[CompressionTypes.LZ4] = once("lz4", lz4);
  CompressionCodecs[CompressionTypes.ZSTD] = once("zstd", zstd);
}

/** @throws NcfError from `decompress`: `BATCH_DAMAGED`, `COMPRESSION_UNSUPPORTED` */
function once(name: string, load: () => Promise<Unpack>): () => Codec {
  let loaded: Promise<Unpack> | null = null;
  const codec: Codec = {
    compress: () => Promise.reject(new Error("expected batches to be written uncompressed")),
    async decompress(batch) {
      loaded ??= load().catch((cause) => Promise.reject(cause instanceof NcfError ? cause : notLoaded(name, cause)));
      const unpack = await loaded;
      try {
        return await unpack(batch);
      } catch (cause) {
        throw cause instanceof NcfError ? cause : damaged(name, batch, cause);
      }
    },
  };
  return () => codec;
}

async function gzip(): Promise<Unpack> {
  const gunzip = promisify<zlib.InputType, zlib.ZlibOptions, Buffer>(zlib.gunzip);
  return (batch) => gunzip(batch, { maxOutputLength: maxUnpackedBytes });
}

async function snappy(): Promise<Unpack> {
  const { default: makeCodec } = await import("kafkajs-snappy");
  return makeCodec().decompress;
}

async function lz4(): Promise<Unpack> {
  // A CommonJS class, which its types take for a module's default export.
  const { default: Lz4 } = (await import("@2l/kafkajs-lz4")) as unknown as {
    readonly default: new () => { codec(): { readonly decompress: Unpack } };
  };
  return new Lz4().codec().decompress;
}

async function zstd(): Promise<Unpack> {
  // Not among the types of Node 20.
  const { zstdDecompress } = zlib as unknown as { readonly zstdDecompress?: typeof zlib.gunzip };
  if (zstdDecompress === undefined) {
    throw new NcfError(
      "COMPRESSION_UNSUPPORTED",
      `expected Node 22.15 or newer to read record batches compressed with zstd, found ${process.version}. Start this with a newer ` +
        "Node, or have the producers compress with gzip, snappy or lz4",
    );
  }
  const unpack = promisify<zlib.InputType, zlib.ZlibOptions, Buffer>(zstdDecompress);
  return (batch) => unpack(batch, { maxOutputLength: maxUnpackedBytes });
}

function notLoaded(name: string, cause: unknown): NcfError {
  return new NcfError(
    "COMPRESSION_UNSUPPORTED",
    `expected to read record batches compressed with ${name}, but what unpacks them cannot be loaded here (${cause}). Run npm ci ` +
      "on this machine, optional dependencies included, or have the producers compress with gzip",
    { cause },
  );
}

function damaged(name: string, batch: Buffer, cause: unknown): NcfError {
  return new NcfError(
    "BATCH_DAMAGED",
    `expected a record batch compressed with ${name} that unpacks to at most ${maxUnpackedBytes} bytes, found one of ` +
      `${batch.length} bytes that does not (${cause}). Check what the topic's producers write`,
    { cause },
  );
}
