/**
 * Searches a model's settings on the validation split: each user's latest *training* interaction is held out, and the test
 * items of the sample are never looked at.
 *
 * Random search with successive halving (Jamieson and Talwalkar, AISTATS 2016): all trials train for few epochs, the best
 * third goes on to three times as many, the best third of these to the end. A trial that goes on continues its own
 * training. Its number of epochs is that of its best validation. The metric is the mean over several draws of candidates,
 * so that settings are not chosen for suiting one draw.
 *
 * What has been done lies in the object store, so a search that was stopped goes on, and ends with the same result.
 */
import { NcfError } from "../../core/errors.ts";
import { decodeJson, encodeJsonFile } from "../../core/json.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { Progress } from "../../ports/progress.ts";
import type { ModelSettings } from "./model-settings.ts";
import { drawSettings, type Searched, type SearchSpace, type Settings } from "./search-space.ts";
import { bestEpochs, bestOf, parseTrial, ranked, type Trial, trialKey } from "./trial.ts";
import type { Metric } from "./validation-score.ts";

/** A model whose settings are searched. */
export interface Tunable extends Searched {
  readonly name: string;
  /** The most epochs that a trial may have; 1 for a model that has none. */
  readonly epochs: number;
  /**
   * Trains to `epochs` in all, going on from an earlier call for the same trial.
   *
   * @throws NcfError `INTERRUPTED`; others mean that the settings do not work
   */
  train(trial: number, settings: Settings, epochs: number): Promise<Omit<Trial, "trial" | "settings" | "failure">>;
  /** The trial will not go on. */
  discard(trial: number): Promise<void>;
  /** The settings with so many epochs. */
  withEpochs(settings: Settings, epochs: number): Settings;
}

export interface TuneDeps {
  readonly store: ObjectStore;
  readonly progress: Progress;
  /** Told after each rung: its trials, best first. */
  readonly onRung?: (trials: readonly Trial[], epochs: number) => void;
}

export interface TuneRequest {
  readonly model: Tunable;
  readonly space: SearchSpace;
  readonly trials: number;
  readonly metric: Metric;
  readonly seed: number;
  /** sha256 of the sample, as its manifest says. */
  readonly sample: string;
  readonly candidateDraws: number;
}

export interface TuneResult {
  readonly best: Trial;
  readonly tuned: ModelSettings;
  /** All, best first. */
  readonly trials: readonly Trial[];
}

/** Of the trials of a rung one in so many goes on. */
const keepOneIn = 3;

const searchKey = "search.json";
const tunedKey = "tuned.json";

/** @throws NcfError `SEARCH_MISMATCH`, `INTERRUPTED`, `SEARCH_FAILED` where no trial could be trained; those of the store */
export async function tune(deps: TuneDeps, request: TuneRequest): Promise<TuneResult> {
  await claimFolder(deps.store, request);
  const rungs = rungsOf(request.model.epochs, request.trials);
  const { model, metric } = request;
  const task = deps.progress.start(`Tuning ${model.name}`, totalEpochs(rungs), "epochs");
  let done = 0;
  let best = Number.NEGATIVE_INFINITY;
  let going = Array.from({ length: request.trials }, (_, trial) => trial);
  const all = new Map<number, Trial>();
  for (const [r, { trials, epochs, before }] of rungs.entries()) {
    const stopped = going.slice(trials);
    for (const trial of stopped) await model.discard(trial);
    going = going.slice(0, trials).sort((a, b) => a - b);
    for (const [n, number] of going.entries()) {
      const trial = await trainedTo(deps.store, request, number, epochs);
      all.set(number, trial);
      done += epochs - before;
      best = Math.max(best, bestOf(trial));
      task.update(done, `rung ${r + 1}/${rungs.length}, trial ${n + 1}/${trials}, best ${metric} ${best.toFixed(4)}`);
    }
    const order = ranked(going.flatMap((number) => all.get(number) ?? []));
    deps.onRung?.(order, epochs);
    going = order.map(({ trial }) => trial);
  }
  for (const trial of going) await model.discard(trial);
  task.end();
  return finish(deps.store, request, [...all.values()], going[0]);
}

interface Rung {
  readonly trials: number;
  /** Epochs of each trial at its end, and at the end of the rung before. */
  readonly epochs: number;
  readonly before: number;
}

/** The rungs of a search: each has a third of the trials of the one before, and three times the epochs, up to the most. */
export function rungsOf(epochs: number, trials: number): Rung[] {
  const last = Math.min(
    Math.floor(Math.log(Math.max(1, trials)) / Math.log(keepOneIn) + 1e-9),
    Math.floor(Math.log(Math.max(1, epochs)) / Math.log(keepOneIn) + 1e-9),
    2,
  );
  const epochsAt = (rung: number): number => Math.max(1, Math.round(epochs / keepOneIn ** (last - rung)));
  return Array.from({ length: last + 1 }, (_, rung) => ({
    trials: Math.ceil(trials / keepOneIn ** rung),
    epochs: epochsAt(rung),
    before: rung === 0 ? 0 : epochsAt(rung - 1),
  }));
}

function totalEpochs(rungs: readonly Rung[]): number {
  return rungs.reduce((sum, { trials, epochs, before }) => sum + trials * (epochs - before), 0);
}

async function trainedTo(store: ObjectStore, request: TuneRequest, number: number, epochs: number): Promise<Trial> {
  const { model, space, seed } = request;
  const key = trialKey(number, "trial.json");
  const known = (await store.head(key)) === null ? null : parseTrial(await store.get(key), key);
  if (known !== null && (known.failure !== null || known.validation.length >= epochs)) return asOf(known, epochs);
  const settings = drawSettings(space, model, seed, number);
  let trial: Trial;
  try {
    trial = { trial: number, settings, ...(await model.train(number, settings, epochs)), failure: null };
  } catch (error) {
    if (!(error instanceof NcfError) || error.code === "INTERRUPTED" || error.retriable) throw error;
    const nothing = { validation: [], standardError: 0, seconds: 0, parameters: 0 };
    trial = { trial: number, settings, ...nothing, failure: error.message };
  }
  await store.put(key, encodeJsonFile(trial));
  return trial;
}

/** What was known after so many epochs: a search that goes on must choose as it did before. */
function asOf(trial: Trial, epochs: number): Trial {
  return { ...trial, validation: trial.validation.slice(0, epochs) };
}

async function finish(
  store: ObjectStore,
  request: TuneRequest,
  trials: readonly Trial[],
  winner: number,
): Promise<TuneResult> {
  const best = trials.find(({ trial }) => trial === winner);
  if (best === undefined || best.failure !== null) {
    throw new NcfError(
      "SEARCH_FAILED",
      `expected a trial that could be trained, found none: ${best?.failure ?? "no trials"}. Change the space`,
    );
  }
  const { model, metric, seed, sample, candidateDraws } = request;
  const epochs = bestEpochs(best);
  const settings = model.withEpochs(best.settings, epochs);
  const tuned: ModelSettings = {
    formatVersion: 1,
    model: model.name,
    settings,
    validation: { metric, value: bestOf(best), standardError: best.standardError, candidateDraws },
    search: { trials: request.trials, seed, sample },
  };
  await store.put(tunedKey, encodeJsonFile(tuned));
  return { best, tuned, trials: ranked(trials) };
}

/** A folder belongs to one search: another one's trials would be taken for its own. */
async function claimFolder(store: ObjectStore, request: TuneRequest): Promise<void> {
  const { model, space, trials, metric, seed, sample, candidateDraws } = request;
  const { name, base, epochs } = model;
  const asked = { model: name, base, space, trials, epochs, metric, seed, sample, candidateDraws };
  if ((await store.putIfAbsent(searchKey, encodeJsonFile(asked))) !== null) return;
  const found = decodeJson(await store.get(searchKey)) as Record<string, unknown>;
  for (const [field, value] of Object.entries(asked)) {
    if (JSON.stringify(found[field]) === JSON.stringify(value)) continue;
    throw new NcfError(
      "SEARCH_MISMATCH",
      `expected a folder of this search, found one with ${field} ${JSON.stringify(found[field])}, not ` +
        `${JSON.stringify(value)}. Choose another folder (--out), or ask for the same search to go on with it`,
    );
  }
}
