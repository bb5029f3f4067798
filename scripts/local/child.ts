/** Programs that run to their end. */
import { spawn } from "node:child_process";
import { NcfError } from "../../src/core/errors.ts";

/** @returns what it wrote. @throws NcfError `PROGRAM_FAILED` with the last that it wrote */
export function run(
  program: string,
  args: readonly string[],
  { env = {}, cwd }: { readonly env?: Readonly<Record<string, string>>; readonly cwd?: string } = {},
): Promise<string> {
  const child = spawn(program, args, { env: { ...process.env, ...env }, cwd, stdio: ["ignore", "pipe", "pipe"] });
  let written = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      written += text;
    });
  }
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      if (code === 0) return resolve(written);
      const said = written.trim().split("\n").slice(-40).join("\n");
      const message = `expected ${program} ${args.join(" ")} to succeed, found ${code ?? signal}: ${said}`;
      reject(new NcfError("PROGRAM_FAILED", message));
    });
  });
}
