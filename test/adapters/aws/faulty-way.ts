/** A way to a service on which things go wrong: a proxy in front of a real emulator. */
import http from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

export type Fault =
  /** The service gets the request, and its answer is lost. */
  | "answerLost"
  /** The service's answer ends in the middle. */
  | "answerCut"
  /** The service does not get the request; this is the answer. */
  | { readonly status: number; readonly contentType: string; readonly body: string };

/** An error as S3 gives it. */
export function s3Error(status: number, code: string): Fault {
  const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>so it is</Message></Error>`;
  return { status, contentType: "application/xml", body };
}

/** An error as SQS gives it. */
export function sqsError(status: number, code: string): Fault {
  const body = JSON.stringify({ __type: `com.amazonaws.sqs#${code}`, message: "so it is" });
  return { status, contentType: "application/x-amz-json-1.0", body };
}

/** An error as EC2 gives it. */
export function ec2Error(status: number, code: string): Fault {
  const error = `<Error><Code>${code}</Code><Message>so it is</Message></Error>`;
  const body = `<?xml version="1.0"?><Response><Errors>${error}</Errors><RequestID>1</RequestID></Response>`;
  return { status, contentType: "text/xml", body };
}

export interface FaultyRequest {
  readonly method: string;
  readonly url: string;
  readonly body: Buffer;
}

export interface FaultyWay {
  readonly endpoint: string;
  /** What happens to the next requests that match, one after the other. */
  fail(matches: (request: FaultyRequest) => boolean, faults: readonly Fault[]): void;
  close(): Promise<void>;
}

export async function faultyWayTo(endpoint: string): Promise<FaultyWay> {
  const { hostname, port } = new URL(endpoint);
  let matching: (request: FaultyRequest) => boolean = () => false;
  let faults: Fault[] = [];
  const server = http.createServer(async (request, response) => {
    const { method = "", url = "", headers } = request;
    const body = await buffer(request);
    const fault = matching({ method, url, body }) ? faults.shift() : undefined;
    if (typeof fault === "object") {
      response.writeHead(fault.status, { "content-type": fault.contentType });
      response.end(fault.body);
      return;
    }
    const onward = http.request({ hostname, port, method, path: url, headers }, (answer) => {
      if (fault === "answerLost") {
        answer.resume().on("end", () => request.socket.destroy());
        return;
      }
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      if (fault === undefined) answer.pipe(response);
      else
        answer.once("data", (chunk: Buffer) => response.write(chunk.subarray(0, 10), () => request.socket.destroy()));
    });
    onward.on("error", () => request.socket.destroy());
    onward.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fail: (matches, next) => {
      matching = matches;
      faults = [...next];
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
