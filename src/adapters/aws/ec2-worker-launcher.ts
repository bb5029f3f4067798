/**
 * Workers on EC2, from a launch template. One launch tries the instance types in their order, each in all subnets, and
 * stops at the first that is free. EC2 starts one machine a client token, so a request whose answer was lost starts no second
 * one; the tag `ncf:run` finds what an earlier call for the same launch started of another type.
 */
import { createHash } from "node:crypto";
import { type EC2Client, type Instance, paginateDescribeInstances, RunInstancesCommand } from "@aws-sdk/client-ec2";
import { NcfError } from "../../core/errors.ts";
import {
  checkLaunchRequest,
  type LaunchOutcome,
  type LaunchRequest,
  type Worker,
  type WorkerLauncher,
} from "../../ports/worker-launcher.ts";
import { awsFailure, failureFacts } from "./aws-failure.ts";
import { quotaAdvice, quotaOf } from "./ec2-quotas.ts";

export interface Ec2WorkerLauncherOptions {
  readonly client: EC2Client;
  /** Tells the workers of one deployment from those of others. */
  readonly stack: string;
  /** Image, role, disk, user data; its newest version is taken. */
  readonly launchTemplateId: string;
  /** One a zone, in the order in which they are tried; none for the account's default network. */
  readonly subnetIds: readonly string[];
}

/** Nothing free of this type in this zone. */
const shortages = new Set([
  "InsufficientInstanceCapacity",
  "InsufficientHostCapacity",
  "InsufficientCapacity",
  "InsufficientFreeAddressesInSubnet",
  "SpotMaxPriceTooLow",
]);
/** The account may not have (more of) this type. */
const quotaRefusals = new Set(["VcpuLimitExceeded", "InstanceLimitExceeded", "MaxSpotInstanceCountExceeded"]);
/** The zone has no machines of this type at all. */
const notOffered = "Unsupported";

type Refusal = "shortage" | "quota" | "notOffered";

/** A try that started nothing. */
interface Refused {
  readonly instanceType: string;
  readonly refusal: Refusal;
  readonly reason: string;
  readonly cause: unknown;
}

export class Ec2WorkerLauncher implements WorkerLauncher {
  readonly #client: EC2Client;
  readonly #stack: string;
  readonly #launchTemplateId: string;
  readonly #subnetIds: readonly (string | undefined)[];

  constructor({ client, stack, launchTemplateId, subnetIds }: Ec2WorkerLauncherOptions) {
    this.#client = client;
    this.#stack = stack;
    this.#launchTemplateId = launchTemplateId;
    this.#subnetIds = subnetIds.length === 0 ? [undefined] : subnetIds;
  }

  async launch(request: LaunchRequest): Promise<LaunchOutcome> {
    checkLaunchRequest(request);
    const [earlier] = await this.#workers([{ Name: "tag:ncf:run", Values: [request.launchId] }]);
    if (earlier !== undefined) return { kind: "launched", worker: earlier };
    const refused: Refused[] = [];
    for (const instanceType of request.instanceTypes) {
      for (const subnetId of this.#subnetIds) {
        const outcome = await this.#run(request, instanceType, subnetId);
        if ("instanceId" in outcome) return { kind: "launched", worker: outcome };
        refused.push(outcome);
        // It is the account's, not the zone's.
        if (outcome.refusal === "quota") break;
      }
    }
    return this.#refusedBy(request, refused);
  }

  async running(): Promise<Worker[]> {
    return this.#workers([]);
  }

  async #run(
    { launchId, market, backend }: LaunchRequest,
    instanceType: string,
    subnetId: string | undefined,
  ): Promise<Worker | Refused> {
    const tags = {
      Name: `${this.#stack} training worker`,
      "ncf:stack": this.#stack,
      "ncf:worker": "true",
      "ncf:run": launchId,
      "ncf:backend": backend,
    };
    const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
    const command = new RunInstancesCommand({
      LaunchTemplate: { LaunchTemplateId: this.#launchTemplateId, Version: "$Latest" },
      MinCount: 1,
      MaxCount: 1,
      // EC2 knows the type's other name, but not an unknown one: its error then says so.
      InstanceType: instanceType as Instance["InstanceType"],
      ...(subnetId !== undefined && { SubnetId: subnetId }),
      ...(market === "spot" && {
        InstanceMarketOptions: {
          MarketType: "spot",
          SpotOptions: { SpotInstanceType: "one-time", InstanceInterruptionBehavior: "terminate" },
        },
      }),
      TagSpecifications: [
        { ResourceType: "instance", Tags },
        { ResourceType: "volume", Tags },
      ],
      ClientToken: createHash("sha256")
        .update(JSON.stringify([this.#stack, launchId, market, instanceType, subnetId]))
        .digest("hex"),
    });
    try {
      const { Instances = [] } = await this.#client.send(command);
      return { instanceId: Instances[0]?.InstanceId ?? "", instanceType, market };
    } catch (cause) {
      const { name } = failureFacts(cause);
      const refusal = refusalOf(name);
      if (refusal === null) throw launchFailure(cause, `RunInstances of ${instanceType} by ${this.#launchTemplateId}`);
      return {
        instanceType,
        refusal,
        reason: `${instanceType} in ${subnetId ?? "the default network"}: ${name}`,
        cause,
      };
    }
  }

  #refusedBy({ instanceTypes, market }: LaunchRequest, refused: readonly Refused[]): LaunchOutcome {
    const reason = refused.map((one) => one.reason).join("; ");
    if (refused.some(({ refusal }) => refusal === "shortage")) return { kind: "shortage", reason };
    const quota = refused.find(({ refusal }) => refusal === "quota");
    if (quota === undefined) {
      throw new NcfError(
        "LAUNCH_REFUSED",
        `expected zones with machines of ${instanceTypes.join(", ")}, found none: ${reason}. Name other instance types or ` +
          "subnets in other zones",
        { cause: refused.at(-1)?.cause },
      );
    }
    const known = quotaOf(quota.instanceType, market);
    return { kind: "quota", quotaCode: known?.code ?? "unknown", reason, advice: quotaAdvice(known) };
  }

  async #workers(filters: readonly { Name: string; Values: string[] }[]): Promise<Worker[]> {
    const Filters = [
      { Name: "tag:ncf:stack", Values: [this.#stack] },
      { Name: "tag:ncf:worker", Values: ["true"] },
      { Name: "instance-state-name", Values: ["pending", "running"] },
      ...filters,
    ];
    try {
      const workers: Worker[] = [];
      for await (const { Reservations = [] } of paginateDescribeInstances({ client: this.#client }, { Filters })) {
        for (const instance of Reservations.flatMap(({ Instances = [] }) => Instances))
          workers.push(workerOf(instance));
      }
      return workers;
    } catch (cause) {
      throw launchFailure(cause, "DescribeInstances");
    }
  }
}

function workerOf({ InstanceId = "", InstanceType, InstanceLifecycle }: Instance): Worker {
  return {
    instanceId: InstanceId,
    instanceType: InstanceType ?? "",
    market: InstanceLifecycle === "spot" ? "spot" : "onDemand",
  };
}

function refusalOf(name: string): Refusal | null {
  if (shortages.has(name)) return "shortage";
  if (quotaRefusals.has(name)) return "quota";
  return name === notOffered ? "notOffered" : null;
}

function launchFailure(cause: unknown, what: string): NcfError {
  const permission = what.startsWith("Run")
    ? "ec2:RunInstances with this launch template, ec2:CreateTags and iam:PassRole of the worker's role"
    : "ec2:DescribeInstances";
  return awsFailure(cause, { port: "LAUNCH", tried: `EC2 ${what}`, permission });
}
