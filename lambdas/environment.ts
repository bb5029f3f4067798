/** The settings that the Lambdas take from their environment: checked once, when a Lambda starts. */
import { z } from "zod";
import { trainingOptionsSchema } from "../src/app/uploads/training-options.ts";
import { NcfError } from "../src/core/errors.ts";

const list = z
  .string()
  .transform((text) => text.split(",").map((part) => part.trim()))
  .transform((parts) => parts.filter((part) => part !== ""));
const integer = (min: number) =>
  z.string().regex(/^\d+$/, "expected a whole number").transform(Number).pipe(z.int().min(min));
const json = z.string().transform((text, context): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    context.addIssue("expected JSON");
    return z.NEVER;
  }
});

const variables = {
  NCF_BUCKET: z.string().min(3),
  NCF_STACK: z.string().min(1),
  NCF_TRAINING_REQUESTS_URL: z.url(),
  NCF_TRAINING_JOBS_URL: z.url(),
  /** See `trainingOptionsSchema`. */
  NCF_SAMPLE_OPTIONS: json.default({}).pipe(trainingOptionsSchema),
  NCF_MAX_UPLOAD_BYTES: integer(1),
  NCF_LAUNCH_TEMPLATE_ID: z.string().min(1),
  NCF_GPU_INSTANCE_TYPES: list.default([]),
  NCF_CPU_INSTANCE_TYPES: list.default([]),
  NCF_SUBNET_IDS: list.default([]),
  NCF_MAX_WORKERS: integer(1),
  NCF_KAFKA_BROKERS: list.pipe(z.array(z.string().regex(/^[^\s:/]+:\d{1,5}$/, "expected HOST:PORT")).min(1)),
  /** Of a secret in JSON: mechanism, username, password. */
  NCF_KAFKA_SECRET_ARN: z.string().optional(),
  /** 1 encrypts the connection, 0 does not; by default it is encrypted where there is a secret. */
  NCF_KAFKA_TLS: z.enum(["0", "1"]).optional(),
  NCF_TOPIC_INTERACTIONS: z.string().min(1).default("interactions"),
  /** The stream whose interactions and windows `score` shows; the only one in the bucket by default. */
  NCF_STREAM_GROUP: z.string().min(1).optional(),
} satisfies Record<string, z.ZodType>;

export type Variables = { [Name in keyof typeof variables]: z.output<(typeof variables)[Name]> };

/** @throws NcfError `ENVIRONMENT_INVALID`, naming all that is wrong */
export function environment<Name extends keyof Variables>(
  names: readonly Name[],
  env: Readonly<Record<string, string | undefined>> = process.env,
): Pick<Variables, Name> {
  const wanted = Object.fromEntries(names.map((name) => [name, variables[name]]));
  // What is set to nothing is not set.
  const given = Object.fromEntries(names.map((name) => [name, env[name] || undefined]));
  const parsed = z.object(wanted).safeParse(given);
  if (parsed.success) return parsed.data as Pick<Variables, Name>;
  throw new NcfError(
    "ENVIRONMENT_INVALID",
    `expected the Lambda's environment variables as its stack sets them: ${z.prettifyError(parsed.error)}. Deploy the stack again`,
  );
}

/** Whether AWS is an emulator on one host, which knows no names such as bucket.host. */
export function isEmulated(env: Readonly<Record<string, string | undefined>> = process.env): boolean {
  return (env.AWS_ENDPOINT_URL_S3 ?? env.AWS_ENDPOINT_URL) !== undefined;
}
