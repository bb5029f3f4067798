/** The quotas under which EC2 gives machines, counted in vCPUs, by family and market. New accounts have 0 of those with GPUs. */
import type { Market } from "../../ports/worker-launcher.ts";

export interface Ec2Quota {
  /** As Service Quotas knows it. */
  readonly code: string;
  readonly name: string;
}

/** Of the families that workers may have. */
const quotas: readonly ({ readonly types: RegExp } & Readonly<Record<Market, Ec2Quota>>)[] = [
  {
    types: /^(g|vt)\d/,
    onDemand: { code: "L-DB2E81BA", name: "Running On-Demand G and VT instances" },
    spot: { code: "L-3819A6DF", name: "All G and VT Spot Instance Requests" },
  },
  {
    types: /^p[2-4]/,
    onDemand: { code: "L-417A185B", name: "Running On-Demand P instances" },
    spot: { code: "L-7212CCBC", name: "All P4, P3 and P2 Spot Instance Requests" },
  },
  {
    types: /^[acdhimrtz]\d/,
    onDemand: { code: "L-1216C47A", name: "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances" },
    spot: { code: "L-34B43A08", name: "All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests" },
  },
];

/**
 * @param instanceType such as "g4dn.xlarge"
 * @returns null for a family that is not known here
 */
export function quotaOf(instanceType: string, market: Market): Ec2Quota | null {
  return quotas.find(({ types }) => types.test(instanceType))?.[market] ?? null;
}

/** What to do about a quota that is too small, as a sentence with the command. */
export function quotaAdvice(quota: Ec2Quota | null): string {
  if (quota === null) return "Ask AWS for more of the instance family's quota: Service Quotas, Amazon EC2";
  return (
    `Ask AWS for more of the quota "${quota.name}", counted in vCPUs; an answer takes hours to days: ` +
    `aws service-quotas request-service-quota-increase --service-code ec2 --quota-code ${quota.code} --desired-value 8`
  );
}
