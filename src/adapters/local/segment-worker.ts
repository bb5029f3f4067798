/** A thread that parses segments of a ratings file: answers each request with the segment and the request's memory. */
import { parentPort } from "node:worker_threads";
import { NcfError } from "../../core/errors.ts";
import { SegmentParser } from "../../core/ratings/segment.ts";
import { type SegmentAnswer, type SegmentRequest, workerReady } from "./segment-messages.ts";

let parser: SegmentParser | undefined;

parentPort?.on("message", ({ layout, memory, length }: SegmentRequest) => {
  try {
    parser ??= new SegmentParser(layout);
    const segment = parser.parse(new Uint8Array(memory, 0, length));
    const answer: SegmentAnswer = { memory, segment };
    parentPort?.postMessage(answer, [memory, segment.memory]);
  } catch (error) {
    const code = error instanceof NcfError ? error.code : "WORKER_FAILED";
    const answer: SegmentAnswer = { code, message: error instanceof Error ? error.message : String(error) };
    parentPort?.postMessage(answer);
  }
});
parentPort?.postMessage(workerReady);
