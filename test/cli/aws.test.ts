import { describe, expect, it } from "vitest";
import { quotaFinding } from "../../src/adapters/aws/account-check.ts";
import { quotaOf } from "../../src/adapters/aws/ec2-quotas.ts";
import { onEmulators } from "../adapters/aws/emulators.ts";
import { ncf } from "./ncf.ts";

const noAccount = {
  AWS_ACCESS_KEY_ID: "",
  AWS_SECRET_ACCESS_KEY: "",
  AWS_PROFILE: "",
  AWS_REGION: "",
  AWS_DEFAULT_REGION: "",
  AWS_CONFIG_FILE: "/dev/null",
  AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
  AWS_EC2_METADATA_DISABLED: "true",
};

describe("ncf on AWS", () => {
  it("says that a region is missing, and how to give one", async () => {
    const { code, stdout, stderr } = await ncf(["aws", "check"], noAccount);
    expect({ code, stdout }).toEqual({
      code: 1,
      stdout: expect.stringMatching(/FAILED\s+region: none\n\s+Set AWS_REGION/),
    });
    expect(stderr).toContain("found it lacking: region");
  });

  it("says that nobody is logged in", async () => {
    const { code, stdout } = await ncf(["aws", "check", "--region", "eu-central-1", "--json"], noAccount);
    expect(code).toBe(1);
    expect(stdout).toContain('"what": "credentials"');
    expect(stdout).toContain("Log in");
  });

  it.each([
    [
      "another command than recommend",
      ["--stack", "ncf", "topics", "create"],
      /expected recommend behind it, found create/,
    ],
    ["a sample besides", ["--stack", "ncf", "recommend", "sample", "--user", "1"], /found both\. Leave one out/],
  ])("refuses --stack with %s", async (_what, args, message) => {
    const { code, stderr } = await ncf(args, noAccount);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(message) });
  });

  it("takes a quota of GPUs for a wish, and one of CPUs for a need", () => {
    const finding = (kind: "gpu" | "cpu", vcpus: number) =>
      quotaFinding(kind, "a quota", quotaOf(kind === "gpu" ? "g4dn.xlarge" : "c7i.xlarge", "spot"), vcpus);
    expect(finding("gpu", 4)).toMatchObject({ state: "ok", advice: null });
    expect(finding("gpu", 0)).toMatchObject({
      state: "warning",
      advice: expect.stringMatching(/L-3819A6DF.*run on CPUs/),
    });
    // As new accounts have it.
    expect(finding("cpu", 5)).toMatchObject({ state: "ok", advice: null });
    expect(finding("cpu", 1)).toMatchObject({ state: "failed", advice: expect.stringContaining("L-34B43A08") });
  });
});

onEmulators(["ministack"], (name, { endpoint, region, credentials }) => {
  const env = {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  };

  it(`says on ${name} that a deployment is not there`, async () => {
    const { code, stderr } = await ncf(["--stack", "nowhere", "recommend", "--user", "1"], env);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining("expected the stack nowhere-serving"),
    });
  });

  it(`finds account and region on ${name}, and says what it does not know`, async () => {
    const { stdout } = await ncf(["aws", "check"], env);
    expect(stdout).toMatch(/^ok {6} region: us-east-1\nok {6} credentials: account \d{12}, as arn:aws:/);
    expect(stdout).toMatch(/CDK bootstrap: (done|not done in this region\n\s+Run once: npx cdk bootstrap)/);
    // It has no service quotas.
    expect(stdout).toMatch(/unknown {2}quota of g4dn.xlarge, spot: AWS did not say/);
  });
});
