/** Files that users have put into the object store, as files on this machine while they are read. */

export interface LocalUpload {
  /** Has the upload's own name. */
  readonly path: string;
  readonly bytes: number;
  /** Of the content, hex. */
  readonly sha256: string;
  /** Of the object that was read. */
  readonly etag: string;
}

export interface Uploads {
  /**
   * Gives `work` the object's content as a file that is there until `work` has ended.
   *
   * @throws NcfError `OBJECT_NOT_FOUND`; `UPLOAD_TOO_LARGE` above `maxBytes`, before anything is read; `UPLOAD_CHANGED`,
   *   retriable, when the object was replaced meanwhile
   */
  withFile<T>(key: string, maxBytes: number, work: (upload: LocalUpload) => Promise<T>): Promise<T>;
}

/** Of objects that users put there. */
export const uploadsPrefix = "uploads/";
