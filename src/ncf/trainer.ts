/** Trains one model: epochs, progress, checkpoints, early stopping. The numbers are the backend's. */
import { NcfError } from "../core/errors.ts";
import { withEpoch } from "./averaged-epochs.ts";
import type { NumericBackend, TrainingData, TrainingSession } from "./backend.ts";
import {
  type Checkpoint,
  type CurvePoint,
  dataFingerprint,
  decodeCheckpoint,
  encodeCheckpoint,
  type RunIdentity,
} from "./checkpoint.ts";
import { checkConfig, type NcfConfig } from "./config.ts";
import { withDerivedRows } from "./derived-rows.ts";
import { parameterCount, parameterTable, type TensorMap } from "./parameters.ts";

/** Points of the loss curve in each epoch. */
const curvePointsPerEpoch = 20;

export interface TrainerProgress {
  /** Epochs done, with the part of the one under way. */
  readonly epochs: number;
  readonly samples: number;
  readonly totalSamples: number;
  /** Mean loss over the latest steps. */
  readonly loss: number;
}

export interface TrainerDeps {
  readonly backend: NumericBackend;
  /** Milliseconds, for pacing checkpoints and for the seconds reported. */
  readonly monotonicMs: () => number;
  /** Where checkpoints go; null trains without. */
  readonly checkpoints: CheckpointStore | null;
  readonly onProgress?: (progress: TrainerProgress) => void;
  /** Told of the step from which a checkpoint goes on. */
  readonly onResume?: (step: number) => void;
}

export interface CheckpointStore {
  /** Names the checkpoint in messages. */
  readonly description: string;
  load(): Promise<Uint8Array | null>;
  /** Replaces the checkpoint atomically. */
  save(bytes: Uint8Array): Promise<void>;
}

export interface TrainerInput {
  readonly config: NcfConfig;
  readonly data: TrainingData;
  /** sha256 of the sample that `data` comes from. */
  readonly sample: string;
  readonly seed: number;
  readonly threads: number;
  /** The values to start from instead of the seed's. A checkpoint does not know them: `sample` must name them, too. */
  readonly start?: TensorMap;
  /** Stops after `patience` epochs without a better value of `score` (higher is better) and keeps the best epoch. */
  readonly earlyStopping: { readonly patience: number; readonly score: (tensors: TensorMap) => Promise<number> } | null;
  /** Ends after so many epochs in all, as if there were no more; with its checkpoint, a later call goes on from there. */
  readonly pauseAfterEpochs?: number;
  readonly checkpointEveryMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface TrainerResult {
  readonly tensors: TensorMap;
  /** Epochs that went into `tensors`. */
  readonly epochs: number;
  /** Steps and samples done in all, before a resumption too. */
  readonly steps: number;
  readonly samples: number;
  readonly seconds: number;
  readonly arithmetic: string;
  /** `curvePointsPerEpoch` points an epoch, or one a step where an epoch has fewer steps. */
  readonly curve: readonly CurvePoint[];
  readonly stepsPerEpoch: number;
  /** Validation score after each epoch; empty without early stopping. */
  readonly validation: readonly number[];
}

/** How long one call to the backend should take: short enough for progress and Ctrl-C. */
const chunkMs = 100;

/**
 * Trains to the end, or from where the checkpoint stands.
 *
 * @throws NcfError `LOSS_NOT_FINITE`, `INTERRUPTED` (a checkpoint is written first), `DATA_TOO_SMALL`, `MODEL_TOO_LARGE`, and those of
 *   `decodeCheckpoint`
 */
export async function trainModel(deps: TrainerDeps, input: TrainerInput): Promise<TrainerResult> {
  checkConfig(input.config);
  checkSize(input);
  const { config, data, seed, threads, start } = input;
  const session = await deps.backend.open(config, data, { seed, threads, start });
  try {
    if (session.stepsPerEpoch === 0) {
      throw new NcfError("DATA_TOO_SMALL", "expected at least 2 training samples, found fewer. Use more ratings");
    }
    return await new Run(deps, input, session).toEnd();
  } finally {
    await session.close();
  }
}

/**
 * A checkpoint holds every parameter three times, and once more each for its best epoch and the mean over epochs; this keeps
 * it to 1 or 2 GB, which one buffer and one upload can take.
 */
const maxParameters = 85_000_000;

function checkSize({ config, data }: TrainerInput): void {
  const table = parameterTable(config, data.userRowCount, data.itemRowCount);
  const parameters = table.reduce((sum, spec) => sum + parameterCount(spec), 0);
  if (parameters <= maxParameters) return;
  throw new NcfError(
    "MODEL_TOO_LARGE",
    `expected at most ${maxParameters} parameters, found ${parameters} (${data.userRowCount} user rows, ` +
      `${data.itemRowCount} item rows). Use compact ids (--compact-ids), a smaller fraction or a smaller preset`,
  );
}

class Run {
  readonly #deps: TrainerDeps;
  readonly #input: TrainerInput;
  readonly #session: TrainingSession;
  readonly #identity: RunIdentity;
  #curve: CurvePoint[] = [];
  #pending = { sum: 0, count: 0 };
  #validation: number[] = [];
  #best: TensorMap | null = null;
  #average: TensorMap | null = null;
  #secondsBefore = 0;
  #startedMs = 0;
  #savedMs = 0;

  constructor(deps: TrainerDeps, input: TrainerInput, session: TrainingSession) {
    this.#deps = deps;
    this.#input = input;
    this.#session = session;
    this.#identity = {
      config: input.config,
      seed: input.seed,
      backend: deps.backend.name,
      arithmetic: session.arithmetic,
      sample: input.sample,
      data: dataFingerprint(input.data),
      patience: input.earlyStopping?.patience ?? null,
    };
  }

  async toEnd(): Promise<TrainerResult> {
    await this.#resume();
    this.#startedMs = this.#deps.monotonicMs();
    this.#savedMs = this.#startedMs;
    const { config, pauseAfterEpochs = config.epochs } = this.#input;
    const epochs = Math.min(config.epochs, pauseAfterEpochs);
    const perEpoch = this.#session.stepsPerEpoch;
    let chunk = 1;
    while (this.#session.step < epochs * perEpoch && !this.#hasStopped()) {
      const before = this.#deps.monotonicMs();
      const steps = Math.min(chunk, this.#stepsToNextPoint());
      this.#record(await this.#session.run(steps));
      const tookMs = Math.max(this.#deps.monotonicMs() - before, 0.01);
      chunk = Math.max(1, Math.min(2 * chunk, Math.floor((steps * chunkMs) / tookMs)));
      const endsEpoch = this.#session.step % perEpoch === 0;
      if (endsEpoch) this.#addToAverage();
      if (endsEpoch) await this.#validate();
      await this.#checkpointIfDue(endsEpoch);
    }
    return this.#result();
  }

  async #resume(): Promise<void> {
    const { checkpoints } = this.#deps;
    const bytes = (await checkpoints?.load()) ?? null;
    if (checkpoints === null || bytes === null) return;
    const found = decodeCheckpoint(bytes, checkpoints.description, this.#identity);
    this.#session.restore(found.state);
    this.#curve = [...found.history.curve];
    this.#pending = { ...found.history.pending };
    this.#validation = [...found.history.validation];
    this.#secondsBefore = found.history.seconds;
    this.#best = found.best;
    this.#average = found.average;
    this.#deps.onResume?.(found.state.step);
  }

  /** Steps until the curve's next point, so that a point's mean never depends on how steps were grouped. */
  #stepsToNextPoint(): number {
    const perEpoch = this.#session.stepsPerEpoch;
    const inEpoch = this.#session.step % perEpoch;
    const point = Math.floor((inEpoch * curvePointsPerEpoch) / perEpoch) + 1;
    return Math.max(1, Math.min(perEpoch, Math.ceil((point * perEpoch) / curvePointsPerEpoch)) - inEpoch);
  }

  #record(losses: Float64Array): void {
    const { config, data } = this.#input;
    const perEpoch = this.#session.stepsPerEpoch;
    const firstStep = this.#session.step - losses.length;
    losses.forEach((loss, i) => {
      if (!Number.isFinite(loss)) {
        throw new NcfError(
          "LOSS_NOT_FINITE",
          `training: expected a finite loss, found ${loss} at step ${firstStep + i + 1} ` +
            `(epoch ${Math.floor((firstStep + i) / perEpoch) + 1}). Lower the learning rate`,
          { data: { step: firstStep + i + 1 } },
        );
      }
      this.#pending.sum += loss;
      this.#pending.count += 1;
    });
    const loss = losses.reduce((sum, value) => sum + value, 0) / losses.length;
    const pointAt = (step: number): number => Math.floor(((step % perEpoch) * curvePointsPerEpoch) / perEpoch);
    const { step } = this.#session;
    if (pointAt(step) !== pointAt(firstStep) || step % perEpoch === 0) {
      this.#curve.push({ step, loss: this.#pending.sum / this.#pending.count });
      this.#pending = { sum: 0, count: 0 };
    }
    const samplesPerEpoch = data.positives.length * (1 + config.negatives);
    const epochs = step / perEpoch;
    this.#deps.onProgress?.({
      epochs,
      samples: Math.round(epochs * samplesPerEpoch),
      totalSamples: config.epochs * samplesPerEpoch,
      loss,
    });
  }

  #addToAverage(): void {
    const { config, data } = this.#input;
    const { averagedEpochs = 1 } = config;
    if (averagedEpochs === 1) return;
    const epochs = this.#session.step / this.#session.stepsPerEpoch;
    const mean = withEpoch(this.#average, this.#session.model(), 1 / Math.min(averagedEpochs, epochs));
    this.#average = withDerivedRows(config, data, mean);
  }

  /** As it stands at the end of an epoch. */
  #model(): TensorMap {
    return this.#average ?? this.#session.model();
  }

  async #validate(): Promise<void> {
    const { earlyStopping } = this.#input;
    if (earlyStopping === null) return;
    const tensors = this.#model();
    const score = await earlyStopping.score(tensors);
    if (this.#best === null || score > Math.max(...this.#validation)) this.#best = tensors;
    this.#validation.push(score);
  }

  /** Whether early stopping has run out of patience. */
  #hasStopped(): boolean {
    const { earlyStopping } = this.#input;
    if (earlyStopping === null || this.#validation.length === 0) return false;
    return this.#validation.length - this.#bestEpoch() >= earlyStopping.patience;
  }

  /** 1-based; the first of equals. */
  #bestEpoch(): number {
    return this.#validation.indexOf(Math.max(...this.#validation)) + 1;
  }

  async #checkpointIfDue(endsEpoch: boolean): Promise<void> {
    const { signal, checkpointEveryMs } = this.#input;
    const interrupted = signal?.aborted ?? false;
    const due = this.#deps.monotonicMs() - this.#savedMs >= checkpointEveryMs;
    if (interrupted || endsEpoch || due) await this.#save();
    if (interrupted) {
      const kept = this.#deps.checkpoints === null ? "" : ", its checkpoint is kept";
      throw new NcfError("INTERRUPTED", `training was stopped at step ${this.#session.step}${kept}`);
    }
  }

  async #save(): Promise<void> {
    const checkpoint: Checkpoint = {
      identity: this.#identity,
      state: this.#session.state(),
      history: {
        curve: this.#curve,
        pending: this.#pending,
        validation: this.#validation,
        seconds: this.#seconds(),
      },
      best: this.#best,
      average: this.#average,
    };
    await this.#deps.checkpoints?.save(encodeCheckpoint(checkpoint));
    this.#savedMs = this.#deps.monotonicMs();
  }

  #seconds(): number {
    return this.#secondsBefore + (this.#deps.monotonicMs() - this.#startedMs) / 1000;
  }

  #result(): TrainerResult {
    const { config, data } = this.#input;
    const { step, stepsPerEpoch } = this.#session;
    return {
      tensors: this.#best ?? this.#model(),
      epochs: this.#best === null ? step / stepsPerEpoch : this.#bestEpoch(),
      steps: step,
      samples: (step / stepsPerEpoch) * data.positives.length * (1 + config.negatives),
      seconds: this.#seconds(),
      arithmetic: this.#session.arithmetic,
      curve: this.#curve,
      stepsPerEpoch,
      validation: this.#validation,
    };
  }
}
