/** Writes a generated data set in MovieLens's format. */
import { encodeJsonFile } from "../core/json.ts";
import { moviesCsv, ratingsCsv } from "../core/synthetic/csv.ts";
import { SyntheticDataset, type SyntheticOptions, type SyntheticUser } from "../core/synthetic/dataset.ts";
import type { ObjectStore } from "../ports/object-store.ts";
import type { Progress, ProgressTask } from "../ports/progress.ts";

/** The file beside ratings.csv by which a reader knows that the data is made up. */
export const generatedMarker = "generated.json";

export interface GenerateRequest extends SyntheticOptions {
  readonly signal?: AbortSignal | undefined;
}

/** What was written. */
export interface GeneratedFiles {
  readonly shape: string;
  readonly seed: number;
  readonly users: number;
  /** Movies in movies.csv; a few of them have no rating. */
  readonly movies: number;
  readonly ratings: number;
}

/**
 * Writes `generated.json`, `movies.csv` and `ratings.csv`, one user at a time: memory does not grow with the ratings.
 *
 * @throws NcfError `GENERATOR_SIZE` and those of the store; the signal's reason when aborted
 */
export async function generate(
  deps: { readonly store: ObjectStore; readonly progress: Progress },
  request: GenerateRequest,
): Promise<GeneratedFiles> {
  const data = new SyntheticDataset(request);
  const files = {
    shape: request.shape,
    seed: request.seed,
    users: data.users,
    movies: data.movies.length,
    ratings: data.ratings,
  };
  // First, so that a generation that stops half-way never leaves older ratings beside a newer list of movies.
  await deps.store.delete("ratings.csv");
  await deps.store.put(generatedMarker, encodeJsonFile(files));
  await deps.store.put("movies.csv", moviesCsv(data.movies));
  const task = deps.progress.start("Generating ratings", data.ratings, "ratings");
  const users = watched(data.allUsers(), task, request.signal);
  await deps.store.put("ratings.csv", asynchronously(ratingsCsv(users, data.movies)));
  task.end();
  return files;
}

function* watched(
  users: Iterable<SyntheticUser>,
  task: ProgressTask,
  signal: AbortSignal | undefined,
): Generator<SyntheticUser, void, undefined> {
  let done = 0;
  for (const user of users) {
    signal?.throwIfAborted();
    yield user;
    done += user.movies.length;
    task.update(done);
  }
}

/** Gives the event loop a turn between chunks, so that signals and progress get through. */
async function* asynchronously(chunks: Iterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  for (const chunk of chunks) {
    yield chunk;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
