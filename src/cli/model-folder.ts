/** A model in a folder of its own, with the sample that it was trained on. */
import path from "node:path";
import { FileObjectStore } from "../adapters/local/file-object-store.ts";
import { ParquetSampleStore } from "../adapters/parquet/parquet-sample-store.ts";
import { readModel, type StoredModel } from "../app/stored-model.ts";
import { NcfError } from "../core/errors.ts";
import type { SampleFiles } from "../ports/sample-store.ts";
import { asPrefix } from "./folders.ts";

export interface ModelFolder extends StoredModel {
  readonly files: SampleFiles;
}

/**
 * @param sample the sample's folder; OUT/sample for a model in OUT/models/neumf where it is not given
 * @throws NcfError `MODEL_NOT_FOUND`, `SAMPLE_NOT_FOUND`, `MODEL_SAMPLE_MISMATCH`, those of decoding
 */
export async function readModelFolder(folder: string, sample: string | undefined): Promise<ModelFolder> {
  const files = await readSample(folder, sample);
  return { ...(await readModel(new FileObjectStore(folder), files)), files };
}

/** OUT of OUT/models/neumf: what `ncf run` wrote beside the model. */
export function runFolderOf(model: string): string {
  return path.resolve(model, "..", "..");
}

async function readSample(model: string, sample: string | undefined): Promise<SampleFiles> {
  const read = (dir: string): Promise<SampleFiles> => new ParquetSampleStore(...asPrefix(dir)).read();
  if (sample !== undefined) return read(sample);
  const beside = path.join(runFolderOf(model), "sample");
  try {
    return await read(beside);
  } catch (cause) {
    if (!(cause instanceof NcfError && cause.code === "SAMPLE_NOT_FOUND")) throw cause;
    throw new NcfError(
      "SAMPLE_NOT_FOUND",
      `expected the sample that ${model} was trained on in ${beside}, found none. Name its folder with --sample`,
      { cause },
    );
  }
}
