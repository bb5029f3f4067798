/** What is used of the package, which brings no types. */
declare module "kafkajs-snappy" {
  export default function snappyCodec(): { readonly decompress: (batch: Buffer) => Promise<Buffer> };
}
