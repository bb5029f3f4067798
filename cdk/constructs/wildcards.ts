/** Says why a policy names resources by a pattern, where cdk-nag's rule AwsSolutions-IAM5 looks for it. */
import { Stack, Validations } from "aws-cdk-lib";
import type { Construct } from "constructs";

/** Only the resources given are accepted: another pattern in the same policy stays a finding. */
export function acknowledgeWildcards(scope: Construct, resources: readonly string[], reason: string): void {
  const patterns = resources
    .map((resource) => asText(Stack.of(scope).resolve(resource)))
    .filter((r) => r.includes("*"));
  Validations.of(scope).acknowledge(
    ...patterns.map((pattern) => ({ id: `AwsSolutions-IAM5[Resource::${pattern}]`, reason })),
  );
}

/** An ARN as cdk-nag writes it, with references in angle brackets. */
function asText(resolved: unknown): string {
  if (typeof resolved === "string") return resolved;
  const [[name, value]] = Object.entries(resolved as Record<string, unknown>);
  if (name === "Fn::Join") {
    const [delimiter, parts] = value as [string, unknown[]];
    return parts.map(asText).join(delimiter);
  }
  if (name === "Fn::GetAtt") return `<${(value as string[]).join(".")}>`;
  return name === "Ref" ? `<${value}>` : asText(value);
}
