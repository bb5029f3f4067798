/** Rights on a bucket's objects, by the prefix of their keys. */
import { PolicyStatement, type Role } from "aws-cdk-lib/aws-iam";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import { acknowledgeWildcards } from "./wildcards.ts";

export interface ObjectAccess {
  /** Prefixes whose objects may be read. */
  readonly read?: readonly string[];
  /** Prefixes whose objects may be read and written: to write on a condition takes the right to read. */
  readonly write?: readonly string[];
  /** Prefixes whose objects may be removed; older versions stay. */
  readonly remove?: readonly string[];
}

export function grantObjects(role: Role, bucket: IBucket, { read = [], write = [], remove = [] }: ObjectAccess): void {
  const allow = (actions: string[], prefixes: readonly string[]): void => {
    const resources = prefixes.map((prefix) => bucket.arnForObjects(prefix.endsWith(".json") ? prefix : `${prefix}*`));
    if (resources.length === 0) return;
    role.addToPrincipalPolicy(new PolicyStatement({ actions, resources }));
    acknowledgeWildcards(role, resources, "Names below a prefix are made at run time.");
  };
  allow(["s3:GetObject"], [...read, ...write]);
  allow(["s3:PutObject", "s3:AbortMultipartUpload"], write);
  allow(["s3:DeleteObject"], remove);
  // On the whole bucket: without it S3 answers 403 instead of 404 for a key that is not there.
  role.addToPrincipalPolicy(new PolicyStatement({ actions: ["s3:ListBucket"], resources: [bucket.bucketArn] }));
}
