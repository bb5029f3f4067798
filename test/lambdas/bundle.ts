/** A built Lambda in a Node process of its own, as AWS would start it. */
import { spawn } from "node:child_process";
import path from "node:path";
import { pathToFileURL } from "node:url";

/** Loads the bundle and hands it each event in turn; the answers come as one line. */
const script = `
const [bundle, events] = process.argv.slice(-2);
const { handler } = await import(bundle);
const context = { awsRequestId: "invocation-1", functionName: "test", getRemainingTimeInMillis: () => 50_000 };
const answers = [];
for (const event of JSON.parse(events)) answers.push((await handler(event, context)) ?? null);
process.stdout.write("\\nanswers " + JSON.stringify(answers), () => process.exit());
`;

export interface Invocations {
  // biome-ignore lint/suspicious/noExplicitAny: what a Lambda answers is JSON, which each test looks into
  readonly answers: any[];
  /** Lines of its log. */
  readonly log: readonly Record<string, unknown>[];
}

/** @throws Error with what the process said, when it failed */
export async function invoke(
  built: string,
  name: string,
  env: Readonly<Record<string, string>>,
  events: readonly object[],
): Promise<Invocations> {
  const bundle = pathToFileURL(path.join(built, "lambdas", name, "index.mjs")).href;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script, "--", bundle, JSON.stringify(events)], {
    // Nothing of the repository's or of this process's: what the stack sets has to be enough.
    env: { PATH: process.env.PATH, POWERTOOLS_SERVICE_NAME: name, POWERTOOLS_METRICS_NAMESPACE: "test", ...env },
    cwd: "/",
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk) => {
    stdout += chunk;
  });
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  const code = await new Promise((resolve) => child.on("close", resolve));
  const [log, answers] = stdout.split("\nanswers ");
  if (code !== 0 || answers === undefined) throw new Error(`${name} ended with ${code}: ${stdout}\n${stderr}`);
  const lines = log.split("\n").filter((line) => line.startsWith("{"));
  return { answers: JSON.parse(answers), log: lines.map((line) => JSON.parse(line)) };
}
