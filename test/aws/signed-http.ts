/** Asks a deployed API, signed, by the line that its stack prints. */
import { run } from "../../scripts/local/child.ts";
import { credentials } from "../../scripts/local/emulators.ts";

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** @param curlCommand the stack's output. @param init a body in JSON is posted */
export async function ask(
  { apiUrl, curlCommand }: { readonly apiUrl: string; readonly curlCommand: string },
  path: string,
  body?: unknown,
): Promise<Answer> {
  // The example's path stands at the line's end.
  const signed = curlCommand.slice(0, curlCommand.lastIndexOf(apiUrl));
  const posted = body === undefined ? "" : `' -H 'content-type: application/json' -d '${JSON.stringify(body)}`;
  const line = `${signed.replace(/"$/, "")}'${apiUrl}${path}${posted}' -sS -w '\\n%{http_code}'`;
  const env = {
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_SESSION_TOKEN: "",
  };
  const written = await run("bash", ["-c", line], { env });
  const end = written.lastIndexOf("\n");
  return { status: Number(written.slice(end + 1)), body: JSON.parse(written.slice(0, end)) };
}
