/** The local AWS that tests ask, by the endpoints that scripts/start-aws.sh and scripts/start-localstack.sh print. */
import { expect, it } from "vitest";

interface Emulator {
  readonly name: string;
  readonly variable: string;
  readonly script: string;
}

const emulators = {
  ministack: { name: "MiniStack", variable: "NCF_AWS_ENDPOINT", script: "scripts/start-aws.sh" },
  moto: { name: "moto", variable: "NCF_MOTO_ENDPOINT", script: "scripts/start-aws.sh" },
  localstack: { name: "LocalStack", variable: "NCF_LOCALSTACK_ENDPOINT", script: "scripts/start-localstack.sh" },
} as const satisfies Record<string, Emulator>;

/** What a client of an emulator is made with. */
export interface EmulatorSettings {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** Runs the tests on each of the emulators, or skips them with the reason; a failure where CI demands services. */
export function onEmulators(
  names: readonly (keyof typeof emulators)[],
  tests: (title: string, settings: EmulatorSettings) => void,
): void {
  for (const { name, variable, script } of names.map((emulator) => emulators[emulator])) {
    const endpoint = process.env[variable] || undefined;
    const reason = `set ${variable} to an endpoint; ${script} starts one`;
    if (endpoint !== undefined) {
      const credentials = { accessKeyId: "test", secretAccessKey: "test" };
      tests(name, { endpoint, region: "us-east-1", credentials });
    } else if (process.env.CI_REQUIRE_SERVICES === "1") {
      it(`finds ${name}, as CI_REQUIRE_SERVICES=1 demands`, () => expect.fail(reason));
    } else {
      it.skip(`on ${name} (${reason})`, () => {});
    }
  }
}
