/** What a stream's member says of its work, to people and to programs. */
import type { StreamEvent } from "../app/stream/stream-events.ts";
import { windowHeader, windowLine } from "../app/windows-text.ts";
import type { Terminal } from "./terminal.ts";

/** Final windows go to stdout, the rest to stderr. */
export function streamLog(terminal: Terminal, asJson: boolean): (event: StreamEvent) => void {
  let header = false;
  return (event) => {
    if (event.event === "window") {
      if (!event.report.final) return;
      if (asJson) process.stdout.write(`${JSON.stringify(event.report)}\n`);
      else {
        if (!header) process.stdout.write(`${windowHeader}\n`);
        header = true;
        process.stdout.write(`${windowLine(event.report)}\n`);
      }
      return;
    }
    // Every second and more: the metrics count them.
    if (event.event === "committed" || event.event === "snapshotStored") return;
    if (asJson) terminal.log(JSON.stringify({ time: new Date().toISOString(), ...event, ...causeOf(event) }));
    else terminal.log(lineOf(event));
  };
}

function causeOf(event: StreamEvent): { cause?: string } {
  return "cause" in event ? { cause: messageOf(event.cause) } : {};
}

function lineOf(event: Exclude<StreamEvent, { readonly event: "committed" | "snapshotStored" | "window" }>): string {
  switch (event.event) {
    case "assigned":
      return `Assigned: ${event.partitions.length === 0 ? "no partition" : `partition ${event.partitions.join(", ")}`}${event.windows ? ", and the windows" : ""}.`;
    case "opened":
      return `Took over ${event.who} at offset ${event.offset} in ${event.ms.toFixed(0)} ms.`;
    case "closed":
      return `Gave up ${event.who} at offset ${event.offset}.`;
    case "fenced":
      return `Another member has taken over ${event.who}.`;
    case "waiting":
      return `Waiting, ${event.who}: ${messageOf(event.cause)} Trying again in ${(event.retryMs / 1000).toFixed(1)} s; nothing is lost.`;
    case "recovered":
      return `Going on: ${event.who}.`;
    case "waitEnded":
      return `No longer waiting: ${event.who}, which was stopped.`;
    case "snapshotFailed":
      return `No snapshot of ${event.who} at offset ${event.offset}: ${messageOf(event.cause)} A later one is tried; the stream goes on.`;
    case "challengerSetAside":
      return `Version ${event.version} is not tested beside in ${event.who}, as it cannot be loaded: ${messageOf(event.cause)} It is tried again; the stream goes on.`;
    case "modelUpdate": {
      const { kind, version, fromMs } = event.update;
      const from = new Date(fromMs).toISOString();
      if (kind === "champion") return `Version ${version} is in force from ${from} on.`;
      return version === null
        ? `No challenger from ${from} on.`
        : `Version ${version} is tested beside from ${from} on.`;
    }
    case "drift":
      return `HR@10 fell below its running level in the window of ${new Date(event.startMs).toISOString()}.`;
    case "trainingRequested":
      return `Asked for a training of ${event.request.baseVersion} (${event.request.reason}): ncf worker does it.`;
    case "idle":
      return `Partition ${event.partition} is idle and holds no window back.`;
  }
}

function messageOf(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  return message.endsWith(".") ? message : `${message}.`;
}
