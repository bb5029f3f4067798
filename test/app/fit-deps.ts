import { MemoryObjectStore } from "../../src/adapters/local/memory-object-store.ts";
import { splitDataset } from "../../src/app/sample.ts";
import type { TrainDeps } from "../../src/app/train-model.ts";
import { SyntheticDataset } from "../../src/core/synthetic/dataset.ts";
import { syntheticRatingTable } from "../../src/core/synthetic/table.ts";
import { wasmBackend } from "../../src/ncf/wasm/backend.ts";
import { createScorer } from "../../src/ncf/wasm/scorer.ts";
import { noProgress } from "../../src/ports/progress.ts";
import type { SampleFiles } from "../../src/ports/sample-store.ts";

/** What fitting needs, in memory; `said` takes the lines of its log. */
export function fitDeps(said: string[] = []): TrainDeps & { readonly store: MemoryObjectStore } {
  let nowMs = 0;
  return {
    backend: wasmBackend(),
    createScorer,
    store: new MemoryObjectStore(),
    progress: noProgress,
    monotonicMs: () => {
      nowMs += 500;
      return nowMs;
    },
    log: (line) => said.push(line),
  };
}

const data = new SyntheticDataset({ shape: "small", seed: 4, users: 60, movies: 200, ratings: 2400 });
const genres = [["Drama"], ["Comedy"], ["Drama", "Action"]];

/** Generated ratings of 60 users, and the movies' titles and genres. */
export const generated = {
  ratings: syntheticRatingTable(data),
  items: data.movies.map(({ id }, i) => ({ id, title: `Film ${id} (${1950 + (id % 60)})`, genres: genres[i % 3] })),
};

/** The same with each user's latest held out. */
export function sampleFiles(): SampleFiles {
  const { ratings, items } = generated;
  const dataset = { ratings, items, validation: { ratingsSha256: "ab" }, name: "small", generated: true };
  return splitDataset(dataset as never, new Uint8Array(ratings.userIds.length).fill(1), {
    fraction: 1,
    sampler: "hash",
    seed: 1,
    tieRule: "firstInFile",
    catalogue: "sample",
  });
}
