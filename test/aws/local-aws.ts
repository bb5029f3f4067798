/** The local AWS that the tests of whole deployments need: emulators of all of it, and a broker. */
import { expect, it } from "vitest";
import type { Emulators } from "../../scripts/local/emulators.ts";

const needed = { NCF_AWS_ENDPOINT: "", NCF_MOTO_ENDPOINT: "", NCF_KAFKA: "" };

/** Runs the tests, or skips them with the reason; a failure where CI demands services. */
export function onLocalAws(tests: (emulators: Emulators, kafka: string) => void): void {
  const {
    NCF_AWS_ENDPOINT: endpoint,
    NCF_MOTO_ENDPOINT: ec2Endpoint,
    NCF_KAFKA: kafka,
  } = { ...needed, ...process.env };
  if (endpoint !== "" && ec2Endpoint !== "" && kafka !== "") {
    tests({ endpoint, ec2Endpoint }, kafka);
    return;
  }
  const reason =
    "set NCF_AWS_ENDPOINT and NCF_MOTO_ENDPOINT (scripts/start-aws.sh), NCF_KAFKA (scripts/start-kafka.sh)";
  if (process.env.CI_REQUIRE_SERVICES === "1") {
    it("finds a local AWS and a broker, as CI_REQUIRE_SERVICES=1 demands", () => expect.fail(reason));
  } else it.skip(`needs a local AWS and a broker (${reason})`, () => {});
}
