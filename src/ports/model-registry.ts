/**
 * Versions of models, and which of them is served: the champion.
 *
 * A version is there once its card is; before that, whatever lies in its place does not exist. Versions never change.
 * The champion moves only by a conditional write, so of any two who move it at once the second sees the first's move.
 */

export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

/** The data a model comes from. */
export interface CardDataset {
  /** Such as "ml-latest-small". */
  readonly name: string;
  readonly generated: boolean;
  readonly ratingsSha256: string;
  readonly users: number;
  readonly items: number;
  readonly interactions: number;
}

/** What the judgement of the same settings gave, in short; `metrics.json` has it in full. */
export interface JudgedMetrics {
  readonly hrAt10: number;
  readonly ndcgAt10: number;
  /** Tested users. */
  readonly cases: number;
  /** Popularity on the same candidates. */
  readonly popularityHrAt10: number;
}

/**
 * Up to where a model has learnt: at or before an event time, for models from files; or below an offset in each partition,
 * for models from the stream. It is not judged on events from there.
 */
export type CutOff =
  | { readonly eventTimeMs: number }
  | {
      readonly offsets: { readonly [partition: string]: number };
      /** Whose offsets these are; of any topic where it is absent. */
      readonly topic?: string | undefined;
    };

/** By partition, the first offset of this topic that a model from the stream has not learnt; null for a model from files. */
export function offsetsLearnt(
  cutOff: CutOff,
  topic: string | undefined,
): { readonly [partition: string]: number } | null {
  if ("eventTimeMs" in cutOff) return null;
  return cutOff.topic === undefined || topic === undefined || cutOff.topic === topic ? cutOff.offsets : {};
}

/** Where a model comes from that was tuned on the stream. */
export interface CardFineTuning {
  /** Names the request that it answers. */
  readonly requestId: string;
  readonly baseVersion: string;
  /** By partition: the offsets from … to − 1 that it has learnt beyond the base. */
  readonly ranges: { readonly [partition: string]: { readonly from: number; readonly to: number } };
  /** End of the last window that was final when it was asked for; absent where none was. */
  readonly windowsThroughMs?: number | undefined;
}

/** What a publisher says of a model. */
export interface CardFacts {
  /** The preset or baseline, such as "neumf". */
  readonly name: string;
  /** Whether it learnt from all data, with the settings that were judged on a part, or from what lies before the cut-off. */
  readonly trainedOn: "allData" | "beforeCutOff";
  readonly cutOff: CutOff;
  readonly dataset: CardDataset;
  /** The preset's configuration, or the baseline's settings. */
  readonly settings: JsonValue;
  readonly seed: number;
  /** Null for a model whose settings were not judged. */
  readonly judged: JudgedMetrics | null;
  /** Absent for a model that was trained from the beginning. */
  readonly fineTuning?: CardFineTuning | undefined;
  /** The worker's run that trained it from the beginning; absent for one that was trained by hand. */
  readonly runId?: string | undefined;
}

/** A file of a version, as it was written. */
export interface CardFile {
  readonly bytes: number;
  readonly sha256: string;
}

/** The user histories that a model starts from: one object, shared by versions. */
export interface SnapshotReference {
  readonly key: string;
  readonly sha256: string;
}

export interface ModelCard extends CardFacts {
  readonly version: string;
  readonly createdAtMs: number;
  readonly snapshot0: SnapshotReference | null;
  /** By name: model.safetensors, metrics.json and catalogue.json. */
  readonly files: { readonly [name: string]: CardFile };
}

export interface NewModel {
  /** The bytes of model.safetensors. */
  readonly model: Uint8Array;
  /** The content of metrics.json. */
  readonly metrics: JsonValue;
  /** The content of catalogue.json: what the ids in the model stand for. */
  readonly catalogue: JsonValue;
  readonly card: CardFacts;
  /** The snapshot's bytes, or one that is there already; null by default. */
  readonly snapshot0?: Uint8Array | SnapshotReference | null;
}

export interface LoadedModel {
  readonly card: ModelCard;
  readonly model: Uint8Array;
  readonly metrics: JsonValue;
  readonly catalogue: JsonValue;
}

/** Which version is served. */
export interface Champion {
  readonly version: string;
  /** 1 for the first champion, one more with each move. */
  readonly revision: number;
  /** Where `rollback` goes; null for the first champion and after a rollback. */
  readonly previous: string | null;
  readonly promotedAtMs: number;
}

export interface MoveOptions {
  /** Move only if the champion has this revision; 0: if there is none yet. */
  readonly expectedRevision?: number;
}

export interface ModelRegistry {
  /**
   * Stores a model as a new version, the card last.
   *
   * @returns the card, with the version's name: versions sort by name in the order in which they were published, those
   *   published in the same moment in any
   * @throws NcfError `CARD_INVALID` for facts that no card can hold, `SNAPSHOT_UNKNOWN` for a reference to a snapshot that
   *   is not there: nothing was published
   */
  publish(model: NewModel): Promise<ModelCard>;
  /** The versions that are whole, ascending. */
  list(): Promise<string[]>;
  /** @throws NcfError `VERSION_UNKNOWN`, naming the known ones; `FILE_DAMAGED` */
  card(version: string): Promise<ModelCard>;
  /** The version's content, each file as its card says. @throws NcfError `VERSION_UNKNOWN`, `FILE_DAMAGED` */
  load(version: string): Promise<LoadedModel>;
  /** The version's snapshot 0, as its card says; null where it has none. @throws NcfError `VERSION_UNKNOWN`, `FILE_DAMAGED` */
  snapshot0(version: string): Promise<Uint8Array | null>;
  /** Null before the first promotion. @throws NcfError `FILE_DAMAGED` */
  champion(): Promise<Champion | null>;
  /**
   * Makes `version` the champion. The champion itself stays as it is: promoting it again moves nothing.
   *
   * @throws NcfError `VERSION_UNKNOWN`, naming the known ones
   * @throws NcfError `CHAMPION_MOVED` when its revision is not the expected one: look again before deciding again
   */
  promote(version: string, options?: MoveOptions): Promise<Champion>;
  /**
   * Makes `previous` the champion again. There is no second step back, and none to where it came from: a bad version
   * does not return by a repeated call.
   *
   * @throws NcfError `NO_PREVIOUS`, naming the known versions; `VERSION_UNKNOWN`, `CHAMPION_MOVED` as for `promote`
   */
  rollback(options?: MoveOptions): Promise<Champion>;
}
