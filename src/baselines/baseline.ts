/** What all models have in common that are counted or solved rather than trained step by step. */
import type { HistoryRecommender } from "../core/recommender.ts";
import type { StoredTensor } from "../core/safetensors.ts";
import type { Sample } from "../core/sample.ts";

export interface FitInput {
  /** Only its training interactions are read. */
  readonly sample: Sample;
  /** Shape [items]: genres, period of release and the like, as `attributesOf` gives them; none where they are unknown. */
  readonly attributes: readonly (readonly string[])[];
}

export interface FitListeners {
  /** @param share of the work that is done, 0 to 1 */
  readonly onProgress?: (share: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** By name; numbers, texts and null, as JSON has them. */
export type BaselineSettings = Readonly<Record<string, number | string | boolean | null>>;

/** A fitted model: a function of its settings and tensors alone. */
export interface Baseline extends HistoryRecommender {
  readonly settings: BaselineSettings;
  /** What `BaselineKind.load` makes the same model of. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

/** One kind of model: how it is fitted, and how it comes back from a file. */
export interface BaselineKind<Settings extends BaselineSettings = BaselineSettings> {
  readonly name: string;
  readonly defaults: Settings;
  /** @throws NcfError `CONFIG_INVALID` naming the setting that a fit would refuse */
  check(settings: BaselineSettings): void;
  /**
   * Fits the model to the training interactions; gives the event loop a turn now and then where that takes long.
   *
   * @throws NcfError those of `check`; `MODEL_TOO_LARGE` where time or memory would not suffice; the signal's reason when aborted
   */
  fit(input: FitInput, settings: Settings, listeners?: FitListeners): Promise<Baseline>;
  /** The model of a file; its scores are those of the model that was saved, bit for bit. */
  load(settings: Settings, tensors: ReadonlyMap<string, StoredTensor>): Baseline;
}
