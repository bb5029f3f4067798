/** The models that a hybrid is made of: in its settings and tensors, each part's names follow the part's own and a dot. */
import type { StoredTensor } from "../core/safetensors.ts";
import type { Baseline, BaselineKind, BaselineSettings, FitInput, FitListeners } from "./baseline.ts";

export const partNames = ["collaborative", "content"] as const;

export type PartName = (typeof partNames)[number];
export type Parts<Of> = Readonly<Record<PartName, Of>>;

/** `shrinkage` of `collaborative.shrinkage`. */
function within<Value>(part: PartName, named: Iterable<readonly [string, Value]>): [string, Value][] {
  return Array.from(named).flatMap(([name, value]): [string, Value][] =>
    name.startsWith(`${part}.`) ? [[name.slice(part.length + 1), value]] : [],
  );
}

function under<Value>(part: PartName, named: Iterable<readonly [string, Value]>): [string, Value][] {
  return Array.from(named, ([name, value]) => [`${part}.${name}`, value]);
}

function everyPart<Of>(of: (part: PartName) => Of): Parts<Of> {
  return { collaborative: of("collaborative"), content: of("content") };
}

/** The settings that are no part's. */
export function ownSettings(settings: BaselineSettings): BaselineSettings {
  const isPart = (name: string): boolean => partNames.some((part) => name.startsWith(`${part}.`));
  return Object.fromEntries(Object.entries(settings).filter(([name]) => !isPart(name)));
}

/** A part's settings, its kind's defaults where none are given. */
function settingsOf(part: PartName, kinds: Parts<BaselineKind>, settings: BaselineSettings): BaselineSettings {
  return { ...kinds[part].defaults, ...Object.fromEntries(within(part, Object.entries(settings))) };
}

/** @throws NcfError `CONFIG_INVALID` naming the part's kind and the setting */
export function checkParts(kinds: Parts<BaselineKind>, settings: BaselineSettings): void {
  for (const part of partNames) kinds[part].check(settingsOf(part, kinds, settings));
}

/** Fits each part with its settings. */
export async function fitParts(
  kinds: Parts<BaselineKind>,
  input: FitInput,
  settings: BaselineSettings,
  listeners: FitListeners,
): Promise<Parts<Baseline>> {
  const fitted = (part: PartName): Promise<Baseline> =>
    kinds[part].fit(input, settingsOf(part, kinds, settings), listeners);
  return { content: await fitted("content"), collaborative: await fitted("collaborative") };
}

export function loadParts(
  kinds: Parts<BaselineKind>,
  settings: BaselineSettings,
  tensors: ReadonlyMap<string, StoredTensor>,
): Parts<Baseline> {
  return everyPart((part) =>
    kinds[part].load(Object.fromEntries(within(part, Object.entries(settings))), new Map(within(part, tensors))),
  );
}

export function settingsOfParts(parts: Parts<Baseline>): BaselineSettings {
  return Object.fromEntries(partNames.flatMap((part) => under(part, Object.entries(parts[part].settings))));
}

export function tensorsOfParts(parts: Parts<Baseline>): [string, StoredTensor][] {
  return partNames.flatMap((part) => under(part, parts[part].tensors));
}
