/** The emulators of AWS on this machine, and how programs learn of them. */

export interface Emulators {
  /** Of all services but EC2. */
  readonly endpoint: string;
  /** Of one that launches from templates. */
  readonly ec2Endpoint: string;
}

export const account = "000000000000";
export const region = "us-east-1";
/** They take any. */
export const credentials = { accessKeyId: "test", secretAccessKey: "test" };

/** For the CDK, the SDK and whatever is built on it. */
export function emulatedEnvironment({ endpoint, ec2Endpoint }: Emulators): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: endpoint,
    // The CDK asks for it by this name; the SDK then knows that no host is named after a bucket.
    AWS_ENDPOINT_URL_S3: endpoint,
    AWS_ENDPOINT_URL_EC2: ec2Endpoint,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_SESSION_TOKEN: "",
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
  };
}

/** For clients in this process. */
export function clientSettings(endpoint: string) {
  return { endpoint, region, credentials };
}
