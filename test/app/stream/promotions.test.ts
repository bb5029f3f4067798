import { describe, expect, it } from "vitest";
import { MemoryObjectStore } from "../../../src/adapters/local/memory-object-store.ts";
import { ObjectStoreRegistry } from "../../../src/adapters/registry/object-store-registry.ts";
import type { ModelUpdate } from "../../../src/app/stream/model-updates.ts";
import { decideUpdates } from "../../../src/app/stream/promotions.ts";
import { settingAside } from "../../../src/app/stream/set-aside.ts";
import { TimeWindows } from "../../../src/streaming/time-windows.ts";
import type { Trial } from "../../../src/streaming/trials.ts";
import { facts, modelOf } from "../../conformance/model-cards.ts";
import { modelOf as streamModelOf } from "../../streaming/fixtures.ts";

const windows = TimeWindows.ofSizeAndGrace(1000, 100);

/** A registry whose champion is the first version; each further one was tuned from the version that `bases` names by number. */
async function registryOf(...bases: number[]) {
  let nowMs = 0;
  const registry = new ObjectStoreRegistry(new MemoryObjectStore(), { nowMs: () => ++nowMs });
  const versions = [(await registry.publish(modelOf("0"))).version];
  for (const [i, base] of bases.entries()) {
    const fineTuning = { requestId: `r${i}`, baseVersion: versions[base], ranges: { "0": { from: 0, to: 9 } } };
    const card = { ...facts, cutOff: { offsets: { "0": 9 } }, fineTuning };
    versions.push((await registry.publish({ ...modelOf(`${i + 1}`), card })).version);
  }
  await registry.promote(versions[0]);
  return { registry, versions };
}

const orSetAside = settingAside("windows");
const depsOf = (registry: ObjectStoreRegistry) => ({
  registry,
  versions: { load: async (version: string) => streamModelOf(200, { version }) },
});

function trial(version: string, promoted: boolean | null): Trial {
  const cases = { cases: 5000, users: 300 };
  const verdict =
    promoted === null ? null : { ...cases, promoted, difference: 0, lowerBound: promoted ? -0.01 : -0.03 };
  return { version, ...cases, verdict };
}

describe("what stage 2 decides of versions", () => {
  it("tests a version beside that was tuned from the champion, and promotes it when it has passed", async () => {
    const { registry, versions } = await registryOf(0);
    const updates: ModelUpdate[] = [];
    const decide = async (streamTimeMs: number | null, ...trials: Trial[]): Promise<ModelUpdate[]> => {
      const state = {
        firstVersion: versions[0],
        updates,
        trials,
        streamTimeMs,
        windows,
        versionsDue: () => true,
        orSetAside,
      };
      const decided = await decideUpdates(depsOf(registry), state);
      updates.push(...decided);
      return decided;
    };
    expect(await decide(null)).toEqual([]);
    expect(await decide(4000)).toEqual([{ kind: "challenger", version: versions[1], fromMs: 5000 }]);
    expect(await decide(5500, trial(versions[1], null))).toEqual([]);
    expect(await decide(8999, trial(versions[1], true))).toEqual([
      { kind: "champion", version: versions[1], fromMs: 9000 },
      { kind: "challenger", version: null, fromMs: 9000 },
    ]);
    expect(await registry.champion()).toMatchObject({ version: versions[1], previous: versions[0] });
    expect(await decide(9500, trial(versions[1], true))).toEqual([]);
    // A rollback is a promotion of the older version, and what was tried is not tried again.
    await registry.rollback();
    expect(await decide(9700, trial(versions[1], true))).toEqual([
      { kind: "champion", version: versions[0], fromMs: 10_000 },
    ]);
    expect(await decide(9800, trial(versions[1], true))).toEqual([]);
  });

  it("gives up a challenger that has failed, or whose champion is gone, and takes the newest that is of the champion", async () => {
    const { registry, versions } = await registryOf(0, 0, 1);
    const challenger = { kind: "challenger", version: versions[2], fromMs: 1000 } as const;
    const state = { firstVersion: versions[0], streamTimeMs: 1500, windows, versionsDue: () => true, orSetAside };
    expect(
      await decideUpdates(depsOf(registry), { ...state, updates: [], trials: [], versionsDue: () => false }),
    ).toEqual([]);
    expect(await decideUpdates(depsOf(registry), { ...state, updates: [], trials: [] })).toEqual([
      { ...challenger, fromMs: 2000 },
    ]);
    const failed = await decideUpdates(depsOf(registry), {
      ...state,
      updates: [challenger],
      trials: [trial(versions[2], false)],
    });
    expect(failed).toEqual([
      { kind: "challenger", version: null, fromMs: 2000 },
      { kind: "challenger", version: versions[1], fromMs: 2000 },
    ]);
    await registry.promote(versions[3]);
    expect(await decideUpdates(depsOf(registry), { ...state, updates: [challenger], trials: [] })).toEqual([
      { kind: "champion", version: versions[3], fromMs: 2000 },
      { kind: "challenger", version: null, fromMs: 2000 },
    ]);
  });
});
