/** The file of `--per-user`: one JSON line a model and tested user, enough to recompute HR@10 and NDCG@10. */
import { closeSync, openSync, writeSync } from "node:fs";
import type { RankedCase } from "../app/judge.ts";
import { NcfError } from "../core/errors.ts";
import { labelOf } from "../core/ids.ts";
import type { Sample } from "../core/sample.ts";

const bufferBytes = 1 << 20;

export class PerUserFile {
  readonly #file: number;
  #pending = "";

  /** @throws NcfError `FILE_NOT_WRITTEN` */
  constructor(path: string) {
    try {
      this.#file = openSync(path, "w");
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new NcfError("FILE_NOT_WRITTEN", `--per-user: could not write ${path}: ${reason}`, { cause });
    }
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
    if (this.#pending.length > bufferBytes) this.#flush();
  };

  close(): void {
    this.#flush();
    closeSync(this.#file);
  }

  #flush(): void {
    writeSync(this.#file, this.#pending);
    this.#pending = "";
  }
}
