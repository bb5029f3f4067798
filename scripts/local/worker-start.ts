/** What an instance's user data would start: read from the script, as the instance itself is only emulated. */
import { NcfError } from "../../src/core/errors.ts";

export interface WorkerStart {
  /** Where the zipped bundle lies. */
  readonly bundle: { readonly bucket: string; readonly key: string };
  readonly environment: Readonly<Record<string, string>>;
  /** Of Node, in the bundle's folder. */
  readonly args: readonly string[];
}

/** @param userData in base64, as EC2 gives it. @throws NcfError `USER_DATA_INVALID` */
export function readWorkerStart(userData: string): WorkerStart {
  const script = Buffer.from(userData, "base64").toString("utf8");
  const [, bucket, key] = only(script, /^aws s3 cp --only-show-errors "s3:\/\/([^/"]+)\/([^"]+)" \/tmp\/worker\.zip$/m);
  const [, command] = only(script, /^ExecStart=\/usr\/bin\/node-22 (.+)$/m);
  const environment = Object.fromEntries(
    [...script.matchAll(/^Environment="([^=]+)=(.*)"$/gm)].map(([, name, value]) => [name, value]),
  );
  return { bundle: { bucket, key }, environment, args: command.split(" ") };
}

function only(script: string, pattern: RegExp): RegExpExecArray {
  const found = pattern.exec(script);
  if (found !== null) return found;
  throw new NcfError(
    "USER_DATA_INVALID",
    `expected a line like ${pattern} in the worker's user data, found none. See cdk/constructs/worker-start.ts`,
  );
}
