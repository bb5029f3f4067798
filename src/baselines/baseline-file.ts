/** The model files of baselines. */
import { NcfError } from "../core/errors.ts";
import { encodeModelFrame, foreignModel, type ModelFrame } from "../core/model-file.ts";
import type { Baseline, BaselineSettings } from "./baseline.ts";
import { baselineKindNamed } from "./kinds.ts";

/** What such a file says beside its tensors. */
export interface BaselineDescription {
  /** That of its kind. */
  readonly name: string;
  /** The model's own, which may be more than those that it was fitted with. */
  readonly settings: BaselineSettings;
  /** sha256 of the sample that it was fitted to; another one may hold its test items in training. */
  readonly sample: string;
  /** sha256 of the items' attributes that it was fitted to. */
  readonly attributes: string;
}

export interface BaselineFile {
  readonly description: BaselineDescription;
  readonly baseline: Baseline;
}

const modelKind = "baseline-model";

/** Whether a model file is one of a baseline. */
export function holdsBaseline({ kind }: ModelFrame): boolean {
  return kind === modelKind;
}

export function encodeBaseline(
  { name, settings, tensors }: Baseline,
  fittedTo: Pick<BaselineDescription, "sample" | "attributes"> & Pick<ModelFrame, "userIds" | "itemIds">,
): Uint8Array {
  const { sample, attributes, userIds, itemIds } = fittedTo;
  const description: BaselineDescription = { name, settings, sample, attributes };
  return encodeModelFrame({ kind: modelKind, description, tensors, userIds, itemIds });
}

/**
 * The content of a frame that holds a baseline.
 *
 * @param what names the file in errors
 * @throws NcfError `FILE_FOREIGN` for a kind that this program does not have, `FILE_VERSION` where that has more settings
 */
export function baselineFile({ description: found, tensors }: ModelFrame, what: string): BaselineFile {
  const description = found as BaselineDescription;
  const kind = baselineKindNamed(description.name);
  if (kind === null) throw foreignModel(what, "a baseline of a known kind", description.name);
  const missing = Object.keys(kind.defaults).find((setting) => !Object.hasOwn(description.settings, setting));
  if (missing !== undefined) {
    throw new NcfError(
      "FILE_VERSION",
      `${what}: expected ${kind.name} with a setting "${missing}", found ${JSON.stringify(description.settings)}. Use the ` +
        "program version that wrote it, or fit it anew",
    );
  }
  return { description, baseline: kind.load(description.settings, tensors) };
}
