/** The settings that the worker takes from its environment: checked once, when it starts. */
import { availableParallelism } from "node:os";
import { z } from "zod";
import { NcfError } from "../src/core/errors.ts";
import { backendWishes } from "./backend-choice.ts";

const integer = (min: number, max: number) =>
  z.string().regex(/^\d+$/, "expected a whole number").transform(Number).pipe(z.int().min(min).max(max));

const schema = z.object({
  /** A bucket's name, or a folder as file:///folder. */
  NCF_BUCKET: z.string().min(1),
  /** An SQS queue's URL, or a folder as file:///folder. */
  NCF_TRAINING_JOBS_URL: z.url(),
  NCF_WORKER_IDLE_SECONDS: integer(0, 86_400).default(600),
  NCF_WORKER_MAX_AGE_SECONDS: integer(1, 20 * 86_400).default(86_400),
  NCF_CHECKPOINT_MINUTES: z.string().transform(Number).pipe(z.number().positive().max(1440)).default(5),
  NCF_BACKEND: z.enum(backendWishes).default("auto"),
  /** For so long a worker that has perished keeps its run from others. */
  NCF_WORKER_LEASE_SECONDS: integer(3, 43_200).default(120),
  /** Threads that compute with wasm. */
  NCF_WORKER_THREADS: integer(1, 64).default(availableParallelism()),
  /** Of CloudWatch; no metrics by default. */
  NCF_METRICS_NAMESPACE: z.string().min(1).optional(),
  /** Where an instance learns that it will be taken away: "off" asks nobody. By default EC2's, off with folders. */
  NCF_INSTANCE_METADATA_URL: z.union([z.literal("off"), z.url()]).optional(),
  /** The folder with the `node_modules` that hold TensorFlow.js; by default the worker's own. */
  NCF_TFJS_NODE: z.string().min(1).optional(),
});

export type WorkerEnvironment = z.output<typeof schema>;

/** @throws NcfError `ENVIRONMENT_INVALID`, naming all that is wrong */
export function workerEnvironment(env: Readonly<Record<string, string | undefined>> = process.env): WorkerEnvironment {
  // What is set to nothing is not set.
  const given = Object.fromEntries(Object.keys(schema.shape).map((name) => [name, env[name] || undefined]));
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new NcfError(
    "ENVIRONMENT_INVALID",
    `expected the worker's environment variables as docs/gpu-worker.md lists them: ${z.prettifyError(parsed.error)}. Correct them ` +
      "and start it again",
  );
}
