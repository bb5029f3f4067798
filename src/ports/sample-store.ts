/** Where a sample lies between commands. */
import type { SplitCounts, TieRule } from "../core/leave-one-out.ts";
import type { ItemDetails } from "../core/ratings.ts";
import type { Sample } from "../core/sample.ts";
import type { UserSampler } from "../core/user-sample.ts";

/** How a sample was drawn and split. */
export interface SampleOptions {
  readonly fraction: number;
  readonly sampler: UserSampler;
  readonly seed: number;
  readonly tieRule: TieRule;
  readonly catalogue: "sample" | "listed";
}

/** What a sample says of itself. */
export interface SampleManifest {
  /** Such as "ml-latest-small". */
  readonly dataset: string;
  readonly generated: boolean;
  readonly ratingsSha256: string;
  readonly options: SampleOptions;
  /** The sample is all interactions before this moment, nothing held out; each user's latest is held out without it. */
  readonly beforeMs?: number;
  /** Test items are each user's next one from this moment on, up to the other (null: to the end); the latest without it. */
  readonly testPeriod?: { readonly fromMs: number; readonly toMs: number | null; readonly newUsers: number };
  readonly counts: SplitCounts & { readonly users: number; readonly items: number };
  /** sha256 over the split's arrays, hex. */
  readonly sha256: string;
}

export interface SampleFiles {
  readonly sample: Sample;
  /** Titles and genres of the catalogue's items, as far as the source lists them. */
  readonly items: readonly ItemDetails[];
  readonly manifest: SampleManifest;
}

export interface SampleStore {
  write(files: SampleFiles): Promise<void>;
  /** @throws NcfError `SAMPLE_NOT_FOUND`, `FILE_DAMAGED`, `FILE_FOREIGN` or `FILE_VERSION` */
  read(): Promise<SampleFiles>;
}
