/** A sample and its drawn candidates as the NCF benchmark's files, for programs that read those. */
import { CandidateSampler } from "../../core/candidates.ts";
import { testedUsers } from "../../core/evaluation.ts";
import { labelOf } from "../../core/ids.ts";
import type { Sample } from "../../core/sample.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import { defaultJudgeOptions } from "../judge.ts";

/** Bytes are handed on in pieces of about so many characters. */
const pieceCharacters = 1 << 16;

/**
 * Writes `NAME.train.rating`, `NAME.test.rating`, `NAME.test.negative`, and `NAME.users` and `NAME.items` with the ids of the
 * numbers in them: the benchmark's own code takes users and items by number, from 0. A rating is always 1.
 *
 * @param seed draws the candidates; those that `ncf run` draws with the same seed
 * @returns the keys written
 */
export async function writeBenchmark(
  store: ObjectStore,
  name: string,
  sample: Sample,
  seed: number,
): Promise<string[]> {
  const files: readonly (readonly [string, Iterable<string>])[] = [
    [`${name}.train.rating`, trainLines(sample)],
    [`${name}.test.rating`, testLines(sample)],
    [`${name}.test.negative`, candidateLines(sample, seed)],
    [`${name}.users`, idLines(sample.userIds, sample.userLabels)],
    [`${name}.items`, idLines(sample.itemIds, sample.itemLabels)],
  ];
  for (const [key, lines] of files) await store.put(key, pieces(lines));
  return files.map(([key]) => key);
}

function* trainLines({ train: { offsets, items, timestampsMs } }: Sample): Generator<string> {
  for (let user = 0; user + 1 < offsets.length; user++) {
    for (let i = offsets[user]; i < offsets[user + 1]; i++) yield ratingLine(user, items[i], timestampsMs[i]);
  }
}

function* testLines(sample: Sample): Generator<string> {
  for (const user of testedUsers(sample)) yield ratingLine(user, sample.testItems[user], sample.testTimestampsMs[user]);
}

function ratingLine(user: number, item: number, timestampMs: number): string {
  return `${user}\t${item}\t1\t${Math.floor(timestampMs / 1000)}`;
}

function* candidateLines(sample: Sample, seed: number): Generator<string> {
  const { candidates: negatives, withReplacement } = defaultJudgeOptions;
  const sampler = new CandidateSampler(sample, { seed, negatives, withReplacement });
  for (const user of testedUsers(sample)) {
    const [test, ...others] = sampler.of(user);
    yield [`(${user},${test})`, ...others].join("\t");
  }
}

function* idLines(ids: Float64Array, labels: ReadonlyMap<number, string>): Generator<string> {
  for (let index = 0; index < ids.length; index++) yield `${index}\t${labelOf(ids[index], labels)}`;
}

async function* pieces(lines: Iterable<string>): AsyncGenerator<Uint8Array> {
  let pending = "";
  for (const line of lines) {
    pending += `${line}\n`;
    if (pending.length < pieceCharacters) continue;
    yield Buffer.from(pending);
    pending = "";
  }
  if (pending !== "") yield Buffer.from(pending);
}
