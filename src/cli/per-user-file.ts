/** The file of `--per-user`: one JSON line a model and tested user, enough to recompute HR@10 and NDCG@10. */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import type { RankedCase } from "../app/judge.ts";
import { NcfError } from "../core/errors.ts";
import { labelOf } from "../core/ids.ts";
import type { Sample } from "../core/sample.ts";

const bufferCharacters = 1 << 20;

/** Lies beside its place until `finish`, so that a failed run leaves an earlier file as it was. */
export class PerUserFile {
  readonly #path: string;
  readonly #temporary: string;
  readonly #file: number;
  #pending = "";
  #closed = false;

  /** @throws NcfError `FILE_NOT_WRITTEN`, as do the other methods */
  constructor(path: string) {
    this.#path = path;
    this.#temporary = `${path}.${process.pid}.tmp`;
    this.#file = this.#trying(() => openSync(this.#temporary, "w"));
  }

  readonly add = ({ model, user, candidates, scores }: RankedCase, sample: Sample): void => {
    const itemId = (item: number): string => labelOf(sample.itemIds[item], sample.itemLabels);
    const line = {
      model,
      userId: labelOf(sample.userIds[user], sample.userLabels),
      testItemId: itemId(candidates[0]),
      candidates: Array.from(candidates, itemId),
      scores: Array.from(scores),
    };
    this.#pending += `${JSON.stringify(line)}\n`;
    if (this.#pending.length > bufferCharacters) this.#flush();
  };

  /** Puts the file in its place. */
  finish(): void {
    this.#flush();
    this.#trying(() => {
      fsyncSync(this.#file);
      closeSync(this.#file);
      this.#closed = true;
      renameSync(this.#temporary, this.#path);
    });
  }

  /** Removes what was written, unless it was finished. */
  discard(): void {
    if (this.#closed) return;
    closeSync(this.#file);
    rmSync(this.#temporary, { force: true });
  }

  #flush(): void {
    const bytes = Buffer.from(this.#pending);
    this.#pending = "";
    this.#trying(() => {
      for (let done = 0; done < bytes.length; ) done += writeSync(this.#file, bytes, done);
    });
  }

  #trying<T>(work: () => T): T {
    try {
      return work();
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new NcfError("FILE_NOT_WRITTEN", `--per-user: could not write ${this.#path}: ${reason}`, { cause });
    }
  }
}
