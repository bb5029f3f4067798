import { Stack } from "aws-cdk-lib";
import { Queue } from "aws-cdk-lib/aws-sqs";
import { AwsSolutionsChecks } from "cdk-nag";
import { describe, expect, it } from "vitest";
import { recommenderApp, streamContext } from "./templates.ts";

const openToAll = { keepData: false, alarmEmail: "a@example.com", authorization: "none" };
const inVpc = { ...streamContext, vpc: "vpc-0123456789abcdef0", subnets: "subnet-0123456789abcdef0" };

describe("cdk-nag's AwsSolutions", () => {
  it.each([
    ["the default deployment", {}],
    ["one with a Kafka", streamContext],
    ["one in a VPC that is there", inVpc],
    ["one that keeps no data, mails alarms and is open to all", openToAll],
    ["one with a function URL", { httpApi: false, functionUrl: true }],
  ])("finds nothing without a written reason in %s", (_what, context) => {
    const app = recommenderApp(context);
    app.synth();
    expect(new AwsSolutionsChecks(app).validateScope(app).violations).toEqual([]);
  });

  it("would find a queue without dead letters", () => {
    const app = recommenderApp();
    new Queue(new Stack(app, "other"), "Queue");
    app.synth();
    const names = new AwsSolutionsChecks(app).validateScope(app).violations.map(({ ruleName }) => ruleName);
    expect(names).toContain("AwsSolutions-SQS3");
  });
});
