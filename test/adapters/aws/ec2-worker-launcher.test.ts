/** The worker launcher on emulators of EC2. */
import { randomUUID } from "node:crypto";
import {
  CreateLaunchTemplateCommand,
  DescribeImagesCommand,
  DescribeInstancesCommand,
  DescribeSubnetsCommand,
  EC2Client,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Ec2WorkerLauncher } from "../../../src/adapters/aws/ec2-worker-launcher.ts";
import type { LaunchRequest } from "../../../src/ports/worker-launcher.ts";
import { testWorkerLauncher } from "../../conformance/worker-launcher.ts";
import { onEmulators } from "./emulators.ts";
import { ec2Error, type FaultyRequest, type FaultyWay, faultyWayTo } from "./faulty-way.ts";

const codes = { shortage: "InsufficientInstanceCapacity", quota: "VcpuLimitExceeded" } as const;

onEmulators(["moto", "localstack"], (name, settings) => {
  let way: FaultyWay;
  let client: EC2Client;
  let imageId: string | undefined;
  let launchTemplateId: string;
  let subnetIds: string[];

  beforeAll(async () => {
    way = await faultyWayTo(settings.endpoint);
    client = new EC2Client({ ...settings, endpoint: way.endpoint, maxAttempts: 2 });
    const { Images = [] } = await client.send(new DescribeImagesCommand({}));
    imageId = Images[0]?.ImageId;
    const { LaunchTemplate } = await client.send(
      new CreateLaunchTemplateCommand({
        LaunchTemplateName: `ncf-${randomUUID()}`,
        LaunchTemplateData: { ImageId: imageId, InstanceType: "t3.micro" },
      }),
    );
    launchTemplateId = LaunchTemplate?.LaunchTemplateId ?? "";
    const { Subnets = [] } = await client.send(new DescribeSubnetsCommand({}));
    subnetIds = Subnets.slice(0, 2).map(({ SubnetId = "" }) => SubnetId);
  });
  afterAll(async () => {
    client.destroy();
    await way.close();
  });

  const newLauncher = (stack: string, subnets: readonly string[] = subnetIds.slice(0, 1)) =>
    new Ec2WorkerLauncher({ client, stack, launchTemplateId, subnetIds: subnets });
  const isLaunch = ({ body }: FaultyRequest) => body.includes("Action=RunInstances");
  const refuse = (...named: string[]) =>
    way.fail(
      isLaunch,
      named.map((code) => ec2Error(400, code)),
    );

  testWorkerLauncher(
    name,
    async () => {
      const stack = `stack-${randomUUID()}`;
      return {
        launcher: newLauncher(stack),
        second: newLauncher(stack),
        stranger: newLauncher(`stack-${randomUUID()}`),
        end: async (instanceId) => {
          await client.send(new TerminateInstancesCommand({ InstanceIds: [instanceId] }));
        },
        refuse: (refusals) => refuse(...refusals.map((refusal) => codes[refusal])),
      };
    },
    // Neither emulator keeps client tokens; EC2 does.
    { racesOfOneLaunch: "perhaps two" },
  );

  describe(`a worker on ${name}`, () => {
    const request: LaunchRequest = { launchId: "launch", instanceTypes: ["m5.large"], market: "spot", backend: "wasm" };
    let stack: string;
    beforeEach(() => {
      stack = `stack-${randomUUID()}`;
      way.fail(() => false, []);
    });

    it("comes from the template, as a spot machine that is not started again, and says what it is for", async () => {
      const outcome = await newLauncher(stack).launch(request);
      const instanceId = outcome.kind === "launched" ? outcome.worker.instanceId : expect.fail();
      const { Reservations = [] } = await client.send(new DescribeInstancesCommand({ InstanceIds: [instanceId] }));
      const instance = Reservations[0]?.Instances?.[0];
      expect(instance).toMatchObject({ ImageId: imageId, InstanceType: "m5.large", SubnetId: subnetIds[0] });
      const tags = Object.fromEntries((instance?.Tags ?? []).map(({ Key = "", Value }) => [Key, Value]));
      expect(tags).toMatchObject({
        "ncf:stack": stack,
        "ncf:worker": "true",
        "ncf:run": "launch",
        "ncf:backend": "wasm",
      });
    });

    it("is looked for in the next zone where the first has none, or none of its type", async () => {
      const launcher = newLauncher(stack, subnetIds);
      const subnets: (string | undefined)[] = [];
      for (const [launchId, code] of Object.entries({ short: "InsufficientInstanceCapacity", none: "Unsupported" })) {
        refuse(code);
        const outcome = await launcher.launch({ ...request, launchId });
        const instanceId = outcome.kind === "launched" ? outcome.worker.instanceId : expect.fail();
        const { Reservations = [] } = await client.send(new DescribeInstancesCommand({ InstanceIds: [instanceId] }));
        subnets.push(Reservations[0]?.Instances?.[0]?.SubnetId);
      }
      expect(subnets).toEqual([subnetIds[1], subnetIds[1]]);
    });

    it.each([
      ["g4dn.xlarge", "spot", "MaxSpotInstanceCountExceeded", "L-3819A6DF"],
      ["g5.xlarge", "onDemand", "VcpuLimitExceeded", "L-DB2E81BA"],
      ["c6i.xlarge", "onDemand", "VcpuLimitExceeded", "L-1216C47A"],
    ] as const)("of type %s, %s, refused for its quota, names the quota", async (type, market, code, quotaCode) => {
      refuse(code);
      const outcome = await newLauncher(stack, subnetIds).launch({ ...request, instanceTypes: [type], market });
      expect(outcome).toMatchObject({ kind: "quota", quotaCode, advice: expect.stringContaining(quotaCode) });
    });

    it("of a family whose quota has no name here, refused for its quota, says where to look", async () => {
      refuse("VcpuLimitExceeded");
      const outcome = await newLauncher(stack, subnetIds).launch({ ...request, instanceTypes: ["trn1.2xlarge"] });
      expect(outcome).toMatchObject({ kind: "quota", advice: expect.stringContaining("Service Quotas") });
    });

    it("that no zone offers, or that nobody may start, is an error with the way out", async () => {
      const launcher = newLauncher(stack, subnetIds);
      refuse("Unsupported", "Unsupported");
      await expect(launcher.launch(request)).rejects.toMatchObject({ code: "LAUNCH_REFUSED" });
      refuse("InvalidLaunchTemplateId.NotFound");
      await expect(launcher.launch(request)).rejects.toMatchObject({ code: "LAUNCH_REFUSED", retriable: false });
      refuse("UnauthorizedOperation");
      await expect(launcher.launch(request)).rejects.toMatchObject({
        code: "LAUNCH_DENIED",
        message: expect.stringContaining("iam:PassRole"),
      });
      way.fail(isLaunch, Array(2).fill(ec2Error(503, "RequestLimitExceeded")));
      await expect(launcher.launch(request)).rejects.toMatchObject({ code: "LAUNCH_UNAVAILABLE", retriable: true });
      expect(await launcher.running()).toEqual([]);
    });

    it("is found by who asks again after its answer was lost and its first type is short", async () => {
      const launcher = newLauncher(stack);
      const types = { ...request, instanceTypes: ["m5.large", "c5.xlarge"] };
      refuse("InsufficientInstanceCapacity");
      const outcome = await launcher.launch(types);
      expect(outcome).toMatchObject({ kind: "launched", worker: { instanceType: "c5.xlarge" } });
      expect(await launcher.launch(types)).toEqual(outcome);
      expect(await launcher.running()).toHaveLength(1);
    });
  });
});
