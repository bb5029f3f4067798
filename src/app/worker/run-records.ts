/** What became of a run: `runs/<id>/result.json`, which only a finished one has, and `runs/<id>/error.json` of its last failure. */
import { z } from "zod";
import { NcfError } from "../../core/errors.ts";
import { decodeJson, encodeJsonFile } from "../../core/json.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import { runPrefix } from "../jobs/training-job.ts";

const resultSchema = z.object({
  runId: z.string(),
  /** The version that was published; null where there was nothing new to learn. */
  version: z.string().nullable(),
  /** The champion afterwards; null where the run does not decide on it. */
  champion: z.string().nullable(),
  worker: z.string(),
  finishedAtMs: z.int(),
});

export type RunResult = z.infer<typeof resultSchema>;

/** @throws NcfError `FILE_FOREIGN`; those of the store */
export async function readRunResult(store: ObjectStore, runId: string): Promise<RunResult | null> {
  const key = resultKey(runId);
  if ((await store.head(key)) === null) return null;
  const bytes = await store.get(key);
  try {
    return resultSchema.parse(decodeJson(bytes));
  } catch (cause) {
    throw new NcfError("FILE_FOREIGN", `${key}: expected a run's result; remove it to do the run again`, { cause });
  }
}

/** The first result stays. */
export async function writeRunResult(store: ObjectStore, result: RunResult): Promise<void> {
  await store.putIfAbsent(resultKey(result.runId), encodeJsonFile(result));
}

const failureSchema = z.object({
  runId: z.string(),
  jobId: z.string(),
  /** Of the job: 1 for the first. After the queue's last one it is a dead letter. */
  delivery: z.int(),
  worker: z.string(),
  failedAtMs: z.int(),
  code: z.string(),
  message: z.string(),
  retriable: z.boolean(),
});

export type RunFailure = z.infer<typeof failureSchema>;

/** Null where nothing has failed, or what is there is of another form. @throws NcfError those of the store */
export async function readRunFailure(store: ObjectStore, runId: string): Promise<RunFailure | null> {
  const key = failureKey(runId);
  if ((await store.head(key)) === null) return null;
  return failureSchema.safeParse(decodeJson(await store.get(key))).data ?? null;
}

/** Replaces the reason of an earlier failure. */
export async function writeRunFailure(
  store: ObjectStore,
  { error, ...facts }: Omit<RunFailure, "code" | "message" | "retriable"> & { readonly error: unknown },
): Promise<void> {
  const { message } = asError(error);
  const reason =
    error instanceof NcfError
      ? { code: error.code, message, retriable: error.retriable }
      : { code: "UNEXPECTED", message: asError(error).stack ?? message, retriable: false };
  await store.put(failureKey(facts.runId), encodeJsonFile({ ...facts, ...reason }));
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

function failureKey(runId: string): string {
  return `${runPrefix(runId)}error.json`;
}

function resultKey(runId: string): string {
  return `${runPrefix(runId)}result.json`;
}
