/** What a worker is asked to train: a preset on a sample, or a version further on what came over the stream. */
import { z } from "zod";
import { NcfError } from "../../core/errors.ts";
import { decodeJson } from "../../core/json.ts";
import { presets } from "../../ncf/config.ts";
import { trainingRequestSchema } from "../loop/training-request.ts";

/** A part of an object's key: the run's objects lie under it. */
const runId = z
  .string()
  .regex(/^[\w.-]{1,128}$/)
  .refine((id) => id !== "." && id !== "..", "expected a name, found a path");

const trainJobSchema = z.strictObject({
  kind: z.literal("train"),
  /** Names the run: a job that comes twice trains once. */
  runId,
  /** Where the sample lies in the object store, such as "samples/ab12/". */
  samplePrefix: z.string().regex(/^[^/].*\/$/),
  preset: z.enum(Object.keys(presets) as [keyof typeof presets, ...(keyof typeof presets)[]]),
  /** Instead of the preset's own. */
  epochs: z.int().min(1).max(10_000).optional(),
  ids: z.enum(["raw", "compact"]).optional(),
  seed: z.int().min(0),
  /** Whether the new version becomes the champion, or only where there is none yet. */
  promote: z.enum(["always", "ifNoChampion"]),
});

const tuneJobSchema = trainingRequestSchema.extend({ kind: z.literal("tune"), requestId: runId });

const trainingJobSchema = z.discriminatedUnion("kind", [trainJobSchema, tuneJobSchema]);

export type TrainJob = z.infer<typeof trainJobSchema>;
export type TuneJob = z.infer<typeof tuneJobSchema>;
export type TrainingJob = z.infer<typeof trainingJobSchema>;

/**
 * A job from a queue. One that names no kind is a stream's training request: a tuning.
 *
 * @throws NcfError `TRAINING_JOB_INVALID`
 */
export function parseTrainingJob(body: string): TrainingJob {
  try {
    const found = decodeJson(new TextEncoder().encode(body));
    const isRequest = typeof found === "object" && found !== null && !("kind" in found) && "requestId" in found;
    return trainingJobSchema.parse(isRequest ? { kind: "tune", ...found } : found);
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : "it is no JSON";
    throw new NcfError(
      "TRAINING_JOB_INVALID",
      `expected a training job of kind "train" or "tune", found "${body.slice(0, 80)}": ${reason}. Correct the job and send it again`,
      { cause },
    );
  }
}

/** The name under which a run's objects lie. */
export function runIdOf(job: TrainingJob): string {
  return job.kind === "train" ? job.runId : job.requestId;
}

/** Before the names of a run's objects: its request, lease, checkpoints and progress. */
export function runPrefix(id: string): string {
  return `runs/${id}/`;
}
