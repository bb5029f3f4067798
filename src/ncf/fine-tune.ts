/**
 * Trains a model on what came after its training, from where it stands: the tables grow (grown-model.ts), Adam starts
 * with moments of zero, and a few epochs go over the whole histories of
 *
 * 1. every user who did something new, and
 * 2. other users, in an order that the seed gives, until `olderPerNew` times as many older interactions as new ones are
 *    in: rehearsal, so that the network does not forget whom the new interactions are not about.
 *
 * Histories stay whole, as a negative must never be an item that the user has in training. Negatives are uniform over the
 * grown catalogue. The result is a function of the arguments, for any number of threads.
 */
import { NcfError } from "../core/errors.ts";
import { indexOfId } from "../core/ids.ts";
import { Permutation, purposes, streamKey } from "../core/rng.ts";
import type { Sample } from "../core/sample.ts";
import type { TrainingData } from "./backend.ts";
import { grownData, grownModel, type ModelGrowth } from "./grown-model.ts";
import type { TrainedModel } from "./model.ts";
import { type TrainerDeps, type TrainerResult, trainModel } from "./trainer.ts";

export interface FineTuneInput extends ModelGrowth {
  readonly epochs: number;
  /** Older interactions for each new one, at least: those of users with new ones are always in. */
  readonly olderPerNew: number;
  readonly seed: number;
  readonly threads: number;
  readonly signal?: AbortSignal | undefined;
}

export interface FineTuned {
  readonly model: TrainedModel;
  readonly training: TrainerResult;
  /** Interactions that `before` does not have, and those of it that an epoch goes over. */
  readonly newInteractions: number;
  readonly olderInteractions: number;
}

/** @throws NcfError `NOTHING_NEW` where `sample` has no more interactions than `before`; those of `grownModel` and `trainModel` */
export async function fineTune(deps: Omit<TrainerDeps, "checkpoints">, input: FineTuneInput): Promise<FineTuned> {
  const { base, epochs, seed, threads, signal } = input;
  const { users, newInteractions, olderInteractions } = rehearsed(input);
  const model = grownModel(input);
  const config = { ...base.config, epochs };
  const training = await trainModel(
    { ...deps, checkpoints: null },
    {
      config,
      data: dataOfUsers(grownData(input), users),
      sample: "",
      seed,
      threads,
      start: model.tensors,
      earlyStopping: null,
      checkpointEveryMs: Number.POSITIVE_INFINITY,
      signal,
    },
  );
  return { model: { ...model, tensors: training.tensors }, training, newInteractions, olderInteractions };
}

/** The users whose histories are trained on, ascending. */
function rehearsed({ before, sample, olderPerNew, seed }: FineTuneInput): {
  users: Int32Array;
  newInteractions: number;
  olderInteractions: number;
} {
  const count = ({ train: { offsets } }: Sample, user: number): number => offsets[user + 1] - offsets[user];
  const older = Int32Array.from(sample.userIds, (id) => {
    const user = indexOfId(before.userIds, id);
    return user < 0 ? 0 : count(before, user);
  });
  const chosen = Uint8Array.from(older, (known, user) => (count(sample, user) > known ? 1 : 0));
  const newInteractions = sample.train.items.length - before.train.items.length;
  if (newInteractions < 1) {
    throw new NcfError(
      "NOTHING_NEW",
      `expected more interactions than the ${before.train.items.length} that the model was trained on, found ` +
        `${sample.train.items.length}. Wait for new ones`,
    );
  }
  let olderInteractions = older.reduce((sum, known, user) => sum + chosen[user] * known, 0);
  const order = new Permutation(chosen.length, streamKey(seed, purposes.rehearsal));
  for (let at = 0; at < chosen.length && olderInteractions < olderPerNew * newInteractions; at++) {
    const user = order.at(at);
    if (chosen[user] === 1) continue;
    chosen[user] = 1;
    olderInteractions += older[user];
  }
  return {
    users: Int32Array.from(chosen.keys()).filter((user) => chosen[user] === 1),
    newInteractions,
    olderInteractions,
  };
}

/** The same tables and catalogue, with the positives of some users only. */
function dataOfUsers(data: TrainingData, users: Int32Array): TrainingData {
  const offsets = new Uint32Array(users.length + 1);
  users.forEach((user, n) => {
    offsets[n + 1] = offsets[n] + data.offsets[user + 1] - data.offsets[user];
  });
  const ofUsers = (values: Int32Array): Int32Array => {
    const kept = new Int32Array(offsets[users.length]);
    users.forEach((user, n) => {
      kept.set(values.subarray(data.offsets[user], data.offsets[user + 1]), offsets[n]);
    });
    return kept;
  };
  return {
    ...data,
    users: users.length,
    offsets,
    positives: ofUsers(data.positives),
    ...(data.places === undefined ? {} : { places: ofUsers(data.places) }),
    userRows: users.map((user) => data.userRows[user]),
  };
}
