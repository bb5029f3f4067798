/** What every model registry must do. */
import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Champion, ModelRegistry } from "../../src/ports/model-registry.ts";
import type { ObjectStore } from "../../src/ports/object-store.ts";
import { facts, modelOf } from "./model-cards.ts";

export interface ModelRegistryUnderTest {
  /** Empty, with the clock standing at `nowMs`. */
  readonly registry: ModelRegistry;
  readonly nowMs: number;
  /** Another publisher's view of the same registry. */
  readonly rival: ModelRegistry;
  /** Where it keeps `models/<version>/…`, to be damaged. */
  readonly store: ObjectStore;
  readonly close?: () => Promise<void>;
}

/** @param moves how often two racing publishers move the champion, in all */
export function testModelRegistry(
  title: string,
  make: () => Promise<ModelRegistryUnderTest>,
  { moves }: { moves: number },
): void {
  describe(`${title}: model registry`, () => {
    let registry: ModelRegistry;
    let rival: ModelRegistry;
    let store: ObjectStore;
    let nowMs: number;
    let close: (() => Promise<void>) | undefined;

    beforeEach(async () => {
      ({ registry, rival, store, nowMs, close } = await make());
    });
    afterEach(() => close?.());

    const publish = async (content: string): Promise<string> => (await registry.publish(modelOf(content))).version;
    const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
    const bytes = (text: string) => new TextEncoder().encode(text);

    describe("a version", () => {
      it("comes back as it was published, with its card", async () => {
        const { model, metrics, catalogue } = modelOf("a");
        const card = await registry.publish({ model, metrics, catalogue, card: facts });
        expect(card).toMatchObject({ ...facts, createdAtMs: nowMs, snapshot0: null });
        expect(card.files["model.safetensors"]).toEqual({ bytes: model.length, sha256: sha256(model) });
        expect(await registry.card(card.version)).toEqual(card);
        expect(await rival.load(card.version)).toEqual({ card, model, metrics, catalogue });
        expect(await registry.snapshot0(card.version)).toBeNull();
        expect(await store.list(`models/${card.version}/`)).toEqual(
          ["card.json", "catalogue.json", "metrics.json", "model.safetensors"].map(
            (name) => `models/${card.version}/${name}`,
          ),
        );
      });

      it("holds a cut-off by offsets, and no judgement, too", async () => {
        const card = {
          ...facts,
          cutOff: { offsets: { "0": 12, "11": 0 } },
          judged: null,
          trainedOn: "beforeCutOff",
        } as const;
        const { version } = await registry.publish({ ...modelOf("a"), card });
        expect(await registry.card(version)).toMatchObject(card);
      });

      it("has a name that tells its model, and sorts by time of publication", async () => {
        const versions: string[] = [];
        for (const content of ["e", "d", "c", "b", "a", "a"]) versions.push(await publish(content));
        expect([...versions].sort()).toEqual(versions);
        expect(new Set(versions).size).toBe(6);
        expect(await registry.list()).toEqual(versions);
        const hash = sha256(modelOf("c").model).slice(0, 8);
        expect(versions[2]).toContain(hash);
      });

      it("that is unknown is refused, with the known ones named", async () => {
        const known = await publish("a");
        for (const call of [
          (version: string) => registry.card(version),
          (version: string) => registry.load(version),
          (version: string) => registry.promote(version),
        ]) {
          for (const version of ["000009-00000000", "../secrets", ""]) {
            await expect(call(version)).rejects.toMatchObject({ code: "VERSION_UNKNOWN" });
            await expect(call(version)).rejects.toThrow(known);
          }
        }
        expect(await registry.champion()).toBeNull();
      });

      it("is refused when its facts fit no card, before anything is written", async () => {
        const wrong = { ...facts, judged: { hrAt10: Number.NaN, ndcgAt10: 0, cases: 1, popularityHrAt10: 0 } };
        await expect(registry.publish({ ...modelOf("a"), card: wrong })).rejects.toMatchObject({
          code: "CARD_INVALID",
        });
        expect(await store.list("")).toEqual([]);
      });
    });

    describe("snapshot 0", () => {
      it("is kept once for all versions that have it", async () => {
        const snapshot = bytes("histories");
        const first = await registry.publish({ ...modelOf("a"), snapshot0: snapshot });
        const second = await rival.publish({ ...modelOf("b"), snapshot0: snapshot });
        const third = await registry.publish({ ...modelOf("c"), snapshot0: second.snapshot0 ?? null });
        expect(first.snapshot0).toEqual({ key: `snapshots/initial/${sha256(snapshot)}`, sha256: sha256(snapshot) });
        expect([second.snapshot0, third.snapshot0]).toEqual([first.snapshot0, first.snapshot0]);
        expect(await store.list("snapshots/")).toEqual([first.snapshot0?.key]);
        expect(await registry.snapshot0(third.version)).toEqual(snapshot);
      });

      it("must be there when it is named, and be what the card says when it is read", async () => {
        const none = { key: `snapshots/initial/${sha256(bytes("none"))}`, sha256: sha256(bytes("none")) };
        const publishing = registry.publish({ ...modelOf("a"), snapshot0: none });
        await expect(publishing).rejects.toMatchObject({ code: "SNAPSHOT_UNKNOWN" });
        const { version, snapshot0 } = await registry.publish({ ...modelOf("a"), snapshot0: bytes("histories") });
        await store.put(snapshot0?.key ?? "", bytes("histoires"));
        await expect(registry.snapshot0(version)).rejects.toMatchObject({ code: "FILE_DAMAGED" });
        await store.delete(snapshot0?.key ?? "");
        await expect(registry.snapshot0(version)).rejects.toMatchObject({ code: "FILE_DAMAGED" });
      });
    });

    describe("a version that is not whole", () => {
      const damages: [string, (version: string) => Promise<unknown>, string][] = [
        ["without a card", (version) => store.delete(`models/${version}/card.json`), "VERSION_UNKNOWN"],
        ["with half a card", (version) => cutToHalf(`models/${version}/card.json`), "FILE_DAMAGED"],
        ["with half a model", (version) => cutToHalf(`models/${version}/model.safetensors`), "FILE_DAMAGED"],
        ["without a model", (version) => store.delete(`models/${version}/model.safetensors`), "FILE_DAMAGED"],
        ["without metrics", (version) => store.delete(`models/${version}/metrics.json`), "FILE_DAMAGED"],
      ];
      const cutToHalf = async (key: string) => {
        const content = await store.get(key);
        await store.put(key, content.slice(0, content.length >> 1));
      };

      it.each(damages)("%s is neither listed nor served nor promoted", async (_what, damage, code) => {
        const whole = await publish("whole");
        const version = await publish("damaged");
        await damage(version);
        expect(await registry.list()).toEqual([whole]);
        await expect(registry.load(version)).rejects.toMatchObject({ code });
        await expect(registry.promote(version)).rejects.toMatchObject({ code: "VERSION_UNKNOWN" });
        expect(await registry.champion()).toBeNull();
        // Nor is its place used again.
        expect(await publish("next")).not.toBe(version);
        expect((await registry.list()).length).toBe(2);
      });

      it("in one bit only is not served", async () => {
        const version = await publish("a");
        const key = `models/${version}/model.safetensors`;
        const content = await store.get(key);
        content[3] ^= 1;
        await store.put(key, content);
        const loading = registry.load(version);
        await expect(loading).rejects.toMatchObject({ code: "FILE_DAMAGED" });
        await expect(loading).rejects.toThrow(/sha256.*Publish the model again/);
      });

      it("because its card is another version's, or of another program, is not served", async () => {
        const [first, second] = [await publish("a"), await publish("b")];
        await store.put(`models/${second}/card.json`, await store.get(`models/${first}/card.json`));
        await expect(registry.card(second)).rejects.toMatchObject({ code: "FILE_DAMAGED" });
        const text = new TextDecoder().decode(await store.get(`models/${first}/card.json`));
        await store.put(`models/${first}/card.json`, bytes(text.replace('"formatVersion": 1', '"formatVersion": 2')));
        await expect(registry.card(first)).rejects.toMatchObject({ code: "FILE_VERSION" });
        await store.put(`models/${first}/card.json`, bytes("{}"));
        await expect(registry.card(first)).rejects.toMatchObject({ code: "FILE_FOREIGN" });
        expect(await registry.list()).toEqual([]);
      });
    });

    describe("the champion", () => {
      it("is nobody at first, then who was promoted, with a revision that counts the moves", async () => {
        expect(await registry.champion()).toBeNull();
        const [a, b] = [await publish("a"), await publish("b")];
        const first = await registry.promote(a);
        expect(first).toEqual({ version: a, revision: 1, previous: null, promotedAtMs: nowMs });
        expect(await rival.promote(b)).toEqual({ version: b, revision: 2, previous: a, promotedAtMs: nowMs });
        expect(await registry.champion()).toEqual(await rival.champion());
      });

      it("stays as it is when it is promoted again", async () => {
        const [a, b] = [await publish("a"), await publish("b")];
        await registry.promote(a);
        const champion = await registry.promote(b);
        expect(await registry.promote(b)).toEqual(champion);
        expect(await registry.champion()).toMatchObject({ revision: 2, previous: a });
      });

      it("moves only from the revision that was expected, where one was", async () => {
        const [a, b] = [await publish("a"), await publish("b")];
        await expect(registry.promote(a, { expectedRevision: 1 })).rejects.toMatchObject({ code: "CHAMPION_MOVED" });
        await registry.promote(a, { expectedRevision: 0 });
        await expect(rival.promote(b, { expectedRevision: 0 })).rejects.toMatchObject({ code: "CHAMPION_MOVED" });
        await rival.promote(b, { expectedRevision: 1 });
        const late = registry.rollback({ expectedRevision: 1 });
        await expect(late).rejects.toMatchObject({ code: "CHAMPION_MOVED" });
        await expect(late).rejects.toThrow(`revision 2, version ${b}`);
        expect(await registry.champion()).toMatchObject({ version: b, revision: 2 });
      });

      it("is moved by one of many who expect the same revision", async () => {
        const versions = [await publish("a"), await publish("b"), await publish("c"), await publish("d")];
        const moves = versions.map((version, i) =>
          (i % 2 === 0 ? registry : rival).promote(version, { expectedRevision: 0 }).then(
            () => "moved",
            (error) => error.code,
          ),
        );
        expect((await Promise.all(moves)).sort()).toEqual([
          "CHAMPION_MOVED",
          "CHAMPION_MOVED",
          "CHAMPION_MOVED",
          "moved",
        ]);
        expect(await registry.champion()).toMatchObject({ revision: 1, previous: null });
      });

      it("rolls back to the previous version, once", async () => {
        const [a, b] = [await publish("a"), await publish("b")];
        await expect(registry.rollback()).rejects.toMatchObject({ code: "NO_PREVIOUS" });
        await registry.promote(a);
        await expect(registry.rollback()).rejects.toMatchObject({ code: "NO_PREVIOUS" });
        await registry.promote(b);
        expect(await registry.rollback()).toMatchObject({ version: a, revision: 3, previous: null });
        const again = registry.rollback();
        await expect(again).rejects.toMatchObject({ code: "NO_PREVIOUS" });
        await expect(again).rejects.toThrow(new RegExp(`${a}.*${b}`));
        expect(await registry.champion()).toMatchObject({ version: a, revision: 3 });
      });

      it("does not roll back to a version that is gone", async () => {
        const [a, b] = [await publish("a"), await publish("b")];
        await registry.promote(a);
        await registry.promote(b);
        await store.delete(`models/${a}/card.json`);
        await expect(registry.rollback()).rejects.toMatchObject({ code: "VERSION_UNKNOWN" });
        expect(await registry.champion()).toMatchObject({ version: b, revision: 2 });
      });

      it.each([
        ["FILE_DAMAGED", '{"format":"ncf-champion","formatVersion":1,"vers'],
        ["FILE_DAMAGED", '{"format":"ncf-champion","formatVersion":1,"version":"latest"}'],
        ["FILE_FOREIGN", "null"],
      ])("that cannot be read is an error %s, not a new beginning", async (code, text) => {
        const version = await publish("a");
        await store.put("models/champion.json", bytes(text));
        await expect(registry.champion()).rejects.toMatchObject({ code });
        await expect(registry.promote(version)).rejects.toMatchObject({ code });
        await expect(registry.promote(version)).rejects.toThrow(/Remove it/);
      });
    });

    describe("two publishers racing", () => {
      it("lose no version, even of equal models", async () => {
        const publisher = async (own: ModelRegistry, name: string) => {
          const published: string[] = [];
          for (let i = 0; i < 25; i++) {
            const content = i % 3 === 0 ? `same ${i}` : `${name} ${i}`;
            published.push((await own.publish({ ...modelOf(content), metrics: { name, i } })).version);
          }
          return published;
        };
        const [ours, theirs] = await Promise.all([publisher(registry, "ours"), publisher(rival, "theirs")]);
        expect(await registry.list()).toEqual([...ours, ...theirs].sort());
        expect(new Set([...ours, ...theirs]).size).toBe(50);
        for (const [name, versions] of Object.entries({ ours, theirs })) {
          expect([...versions].sort()).toEqual(versions);
          for (const [i, version] of versions.entries()) {
            expect((await registry.load(version)).metrics).toEqual({ name, i });
          }
        }
      });

      it(`leave, after ${moves} promotions, one champion and a revision for every move`, async () => {
        const versions: string[] = [];
        for (const content of ["a", "b", "c", "d", "e", "f", "g"]) versions.push(await publish(content));
        const publisher = async (own: ModelRegistry, step: number) => {
          const results: Champion[] = [];
          for (let i = 0; i < moves / 2; i++) {
            const version = versions[(i * step) % versions.length];
            const champion = await own.promote(version);
            expect(champion.version).toBe(version);
            results.push(champion);
          }
          return results;
        };
        const results = (await Promise.all([publisher(registry, 1), publisher(rival, 3)])).flat();
        // Who promoted what the other had just promoted moved nothing, and got the other's move as answer.
        const moved = new Map(results.map((champion) => [champion.revision, champion]));
        expect(moved.size).toBeGreaterThan(moves / 2);
        for (let revision = 1; revision <= moved.size; revision++) {
          expect(moved.get(revision)?.previous).toBe(moved.get(revision - 1)?.version ?? null);
        }
        expect(await registry.champion()).toEqual(moved.get(moved.size));
        expect(await registry.list()).toEqual(versions);
      });
    });
  });
}
