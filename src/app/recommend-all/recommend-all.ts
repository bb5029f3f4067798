/**
 * The use case of `ncf recommend --all`: the best items of every user of a sample, in one table. Users are ranked in parts, each
 * kept as an object once it is done, so that a call that was ended goes on from there.
 */
import { NcfError } from "../../core/errors.ts";
import { decodeJson, encodeJsonFile } from "../../core/json.ts";
import type { Sample } from "../../core/sample.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { Progress, ProgressTask } from "../../ports/progress.ts";
import type { RecommendationRows, RecommendationsTable } from "../../ports/recommendations-table.ts";
import type { RankedUsers } from "./rank-users.ts";

/** Users ranked at a time. */
const partUsers = 256;
/** Rows are held in memory, in 8 bytes each. */
const maxRows = 2 ** 27;
const batchKey = "batch.json";

export interface RecommendAllDeps {
  /** Holds the parts until the table is written, for nobody else. */
  readonly parts: ObjectStore;
  readonly table: RecommendationsTable;
  readonly progress: Progress;
  readonly log: (line: string) => void;
  readonly rank: (from: number, to: number) => Promise<RankedUsers>;
  /** How many calls of `rank` run at a time. */
  readonly parallel: number;
}

export interface RecommendAllRequest {
  readonly sample: Pick<Sample, "userIds" | "itemIds" | "userLabels" | "itemLabels">;
  /** Names model and sample; parts of another version are not gone on with. */
  readonly version: string;
  /** Items for each user. */
  readonly k: number;
  readonly signal?: AbortSignal | undefined;
}

export interface RecommendAllResult {
  readonly users: number;
  readonly rows: number;
  /** Of the table. */
  readonly bytes: number;
  /** Users whose part an earlier call had done. */
  readonly resumedUsers: number;
}

/** @throws NcfError `BATCH_TOO_LARGE`, those of `rank`; the signal's reason when aborted */
export async function recommendAll(deps: RecommendAllDeps, request: RecommendAllRequest): Promise<RecommendAllResult> {
  const { sample, k, signal } = request;
  const users = sample.userIds.length;
  if (users * k > maxRows) {
    throw new NcfError(
      "BATCH_TOO_LARGE",
      `expected at most ${maxRows} recommendations in one table, found ${k} for each of ${users} users. Ask for fewer (-k)`,
    );
  }
  await prepareParts(deps, request);
  const task = deps.progress.start("Recommending", users, "users");
  const { resumedUsers } = await rankParts(deps, k, users, task, signal);
  task.end();
  const rows = await readParts(deps.parts, k, users);
  const bytes = await deps.table.write(rows, sample);
  return { users, rows: rows.items.length, bytes, resumedUsers };
}

/** Leaves only parts of this very batch. */
async function prepareParts({ parts, log }: RecommendAllDeps, request: RecommendAllRequest): Promise<void> {
  const { sample, version, k } = request;
  const batch = { format: "ncf-recommendations", version, users: sample.userIds.length, k, partUsers };
  if ((await parts.head(batchKey)) !== null) {
    if (JSON.stringify(decodeJson(await parts.get(batchKey))) === JSON.stringify(batch)) return;
    log("The parts here are of another model, sample or -k: starting anew");
  }
  await parts.delete(batchKey);
  for (const key of await parts.list("part-")) await parts.delete(key);
  await parts.put(batchKey, encodeJsonFile(batch));
}

async function rankParts(
  { parts, rank, parallel }: RecommendAllDeps,
  k: number,
  users: number,
  task: ProgressTask,
  signal: AbortSignal | undefined,
): Promise<{ resumedUsers: number }> {
  let [next, done, resumedUsers] = [0, 0, 0];
  const lane = async (): Promise<void> => {
    while (next < users) {
      signal?.throwIfAborted();
      const from = next;
      const to = Math.min(from + partUsers, users);
      next = to;
      if (await isDone(parts, from, to, k)) resumedUsers += to - from;
      else {
        const { items, scores } = await rank(from, to);
        await parts.put(partKey(from), Buffer.concat([bytesOf(items), bytesOf(scores)]));
      }
      done += to - from;
      task.update(done);
    }
  };
  await Promise.all(Array.from({ length: parallel }, lane));
  return { resumedUsers };
}

function partKey(from: number): string {
  return `part-${String(from).padStart(10, "0")}`;
}

async function isDone(parts: ObjectStore, from: number, to: number, k: number): Promise<boolean> {
  return (await parts.head(partKey(from)))?.size === (to - from) * k * 8;
}

/** All parts as rows, without the places that users with few unseen items leave empty. */
async function readParts(parts: ObjectStore, k: number, users: number): Promise<RecommendationRows> {
  const items = new Int32Array(users * k);
  const scores = new Float32Array(users * k);
  const offsets = new Uint32Array(users + 1);
  let rows = 0;
  for (let from = 0; from < users; from += partUsers) {
    const count = (Math.min(from + partUsers, users) - from) * k;
    // A copy at the start of memory of its own: `slice` of a Buffer would be a view.
    const bytes = new Uint8Array(await parts.get(partKey(from)));
    const partItems = new Int32Array(bytes.buffer, 0, count);
    const partScores = new Float32Array(bytes.buffer, 4 * count, count);
    for (let at = 0; at < count; at++) {
      if (partItems[at] >= 0) {
        items[rows] = partItems[at];
        scores[rows] = partScores[at];
        rows += 1;
      }
      if ((at + 1) % k === 0) offsets[from + (at + 1) / k] = rows;
    }
  }
  return { offsets, items: items.subarray(0, rows), scores: scores.subarray(0, rows) };
}

function bytesOf(array: Int32Array | Float32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
