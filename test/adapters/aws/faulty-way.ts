/** A way to a service on which things go wrong: a proxy in front of a real emulator. */
import http from "node:http";
import type { AddressInfo } from "node:net";

export type Fault =
  /** The service gets the request, and its answer is lost. */
  | "answerLost"
  /** The service's answer ends in the middle. */
  | "answerCut"
  /** The service does not get the request; its answer is this. */
  | { readonly status: number; readonly code: string };

export interface FaultyWay {
  readonly endpoint: string;
  /** What happens to the next requests that match, one after the other. */
  fail(matches: (request: http.IncomingMessage) => boolean, faults: readonly Fault[]): void;
  close(): Promise<void>;
}

export async function faultyWayTo(endpoint: string): Promise<FaultyWay> {
  const { hostname, port } = new URL(endpoint);
  let matching: (request: http.IncomingMessage) => boolean = () => false;
  let faults: Fault[] = [];
  const server = http.createServer((request, response) => {
    const fault = matching(request) ? faults.shift() : undefined;
    if (typeof fault === "object") {
      request.resume().on("end", () => {
        response.writeHead(fault.status, { "content-type": "application/xml" });
        response.end(`<?xml version="1.0"?><Error><Code>${fault.code}</Code><Message>so it is</Message></Error>`);
      });
      return;
    }
    const { method, url, headers } = request;
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
    request.pipe(onward);
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
