import type { SelectUsers } from "../core/ratings/assemble.ts";
import type { ColumnMapping } from "../core/ratings/layout.ts";
import type { TimeFormat } from "../core/ratings/time-format.ts";
import type { Dataset } from "../core/ratings.ts";

/** Where ratings come from: a folder, a zip, a plain file. */

export interface ReadProgress {
  readonly rowsRead: number;
  /** Unpacked bytes of the ratings file. */
  readonly bytesRead: number;
  readonly bytesTotal: number;
}

export interface ReadRatingsOptions {
  /** Columns of a CSV that is not MovieLens's; without it the usual names are looked for. */
  readonly columns?: ColumnMapping;
  /** How times are written in a CSV that is not MovieLens's; without it detected from the first rows. */
  readonly timeFormat?: TimeFormat;
  /** Share of rows, 0 … 1, that may be rejected before reading fails. 0.01 by default. */
  readonly maxRejectedShare?: number;
  /** Called once, when all users are known, to choose those whose ratings are kept; all by default. */
  readonly selectUsers?: SelectUsers;
  readonly onProgress?: (progress: ReadProgress) => void;
  /** Threads that parse a large plain file. The result is the same for any number. */
  readonly threads?: number;
  readonly signal?: AbortSignal;
}

export interface RatingsSource {
  /**
   * Reads the ratings of the selected users, in file order, and the list of items. The validation report is about the
   * whole file, whichever users are selected.
   *
   * @param path a folder, a zip or a file
   * @throws NcfError with a code among `RATINGS_NOT_FOUND`, `RATINGS_EMPTY`, `REJECTS_OVER_LIMIT`,
   *   `ENCODING_UNSUPPORTED`, `COLUMNS_UNKNOWN`, `TIME_FORMAT_UNKNOWN`, `TIME_FORMAT_AMBIGUOUS`, `LINE_TOO_LONG`,
   *   `ZIP_INVALID`, `ARCHIVE_UNREADABLE`
   */
  read(path: string, options?: ReadRatingsOptions): Promise<Dataset>;
}
