/** The quotas under which EC2 gives machines, counted in vCPUs, by family and market. New accounts have 0 of those with GPUs. */
import type { Market } from "../../ports/worker-launcher.ts";

export interface Ec2Quota {
  /** As Service Quotas knows it. */
  readonly code: string;
  readonly name: string;
}

const quotas: Readonly<Record<"gpu" | "p" | "standard", Readonly<Record<Market, Ec2Quota>>>> = {
  gpu: {
    onDemand: { code: "L-DB2E81BA", name: "Running On-Demand G and VT instances" },
    spot: { code: "L-3819A6DF", name: "All G and VT Spot Instance Requests" },
  },
  p: {
    onDemand: { code: "L-417A185B", name: "Running On-Demand P instances" },
    spot: { code: "L-7212CCBC", name: "All P4, P3 and P2 Spot Instance Requests" },
  },
  standard: {
    onDemand: { code: "L-1216C47A", name: "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances" },
    spot: { code: "L-34B43A08", name: "All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests" },
  },
};

/** @param instanceType such as "g4dn.xlarge" */
export function quotaOf(instanceType: string, market: Market): Ec2Quota {
  const family = instanceType.match(/^(g|vt)\d/) ? "gpu" : instanceType.match(/^p\d/) ? "p" : "standard";
  return quotas[family][market];
}

/** What to do about a quota that is too small, as a sentence with the command. */
export function quotaAdvice({ code, name }: Ec2Quota): string {
  return (
    `Ask AWS for more of the quota "${name}", counted in vCPUs; an answer takes hours to days: ` +
    `aws service-quotas request-service-quota-increase --service-code ec2 --quota-code ${code} --desired-value 8`
  );
}
