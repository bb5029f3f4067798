/** Learns from EC2's instance metadata (IMDSv2) that a spot instance will be taken away, some two minutes before. */
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";

export interface SpotNoticeOptions {
  /** Such as http://169.254.169.254. */
  readonly url: string;
  readonly everyMs: number;
  readonly log: (line: string) => void;
  /** Ends the watching. */
  readonly signal: AbortSignal;
}

const tokenSeconds = 21_600;
const answerMs = 2_000;
const notice = z.object({ action: z.string(), time: z.string() });

/**
 * Looks every `everyMs`. Where nobody answers, that is said once and looked for on: a machine that is no instance of EC2
 * gets no notice.
 *
 * @returns what the notice says; null when the watching ended first
 */
export async function spotNotice({ url, everyMs, log, signal }: SpotNoticeOptions): Promise<string | null> {
  let token: string | null = null;
  let isSilent = false;
  while (!signal.aborted) {
    try {
      token ??= await askForToken(url);
      const answer = await fetch(`${url}/latest/meta-data/spot/instance-action`, {
        headers: { "X-aws-ec2-metadata-token": token },
        signal: AbortSignal.timeout(answerMs),
      });
      if (answer.ok) {
        const { action, time } = notice.parse(await answer.json());
        return `EC2 will ${action} this spot instance at ${time}`;
      }
      await answer.body?.cancel();
      // The token has expired. 404 means that there is no notice.
      if (answer.status === 401) token = null;
      isSilent = false;
    } catch (error) {
      if (!isSilent) log(`no word from ${url} on spot instances: ${reasonOf(error)}`);
      isSilent = true;
      token = null;
    }
    await sleep(everyMs, undefined, { signal, ref: false }).catch(() => undefined);
  }
  return null;
}

async function askForToken(url: string): Promise<string> {
  const answer = await fetch(`${url}/latest/api/token`, {
    method: "PUT",
    headers: { "X-aws-ec2-metadata-token-ttl-seconds": String(tokenSeconds) },
    signal: AbortSignal.timeout(answerMs),
  });
  if (!answer.ok) throw new Error(`HTTP ${answer.status} for a token`);
  return answer.text();
}

/** `fetch` says only that it failed; its cause says why. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}
