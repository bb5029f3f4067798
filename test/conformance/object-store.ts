/** What every object store must do. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ObjectStore } from "../../src/ports/object-store.ts";

export function testObjectStore(
  title: string,
  make: () => Promise<{ store: ObjectStore; close?: () => Promise<void> }>,
): void {
  describe(`${title}: object store`, () => {
    let store: ObjectStore;
    let close: (() => Promise<void>) | undefined;
    const bytes = (text: string) => new TextEncoder().encode(text);
    const text = (content: Uint8Array) => new TextDecoder().decode(content);

    beforeEach(async () => {
      ({ store, close } = await make());
    });
    afterEach(() => close?.());

    it("gives back what was put, whole and in ranges", async () => {
      expect(await store.put("a/b.txt", bytes("hello world"))).toMatchObject({ size: 11 });
      expect(text(await store.get("a/b.txt"))).toBe("hello world");
      expect(text(await store.getRange("a/b.txt", 6, 9))).toBe("wor");
      expect(text(await store.getRange("a/b.txt", 6, 999))).toBe("world");
    });

    it("takes a stream of chunks, and one buffer used again", async () => {
      const buffer = new Uint8Array(1);
      async function* chunks() {
        for (const letter of "abc") {
          buffer[0] = letter.charCodeAt(0);
          yield buffer;
        }
      }
      await store.put("stream", chunks());
      expect(text(await store.get("stream"))).toBe("abc");
    });

    it("replaces content and changes the etag with it", async () => {
      const first = await store.put("key", bytes("one"));
      const second = await store.put("key", bytes("two"));
      expect(second.etag).not.toBe(first.etag);
      expect(text(await store.get("key"))).toBe("two");
      expect(await store.head("key")).toEqual(second);
    });

    it("keeps the old content when a stream fails half-way", async () => {
      await store.put("key", bytes("old"));
      async function* broken() {
        yield bytes("new, but");
        throw new Error("the source broke");
      }
      await expect(store.put("key", broken())).rejects.toThrow();
      expect(text(await store.get("key"))).toBe("old");
      expect(await store.list("")).toEqual(["key"]);
    });

    it("puts only where nothing is, also in a race", async () => {
      const tries = Array.from({ length: 20 }, (_, i) => store.putIfAbsent("once", bytes(String(i))));
      const winners = (await Promise.all(tries)).map((info, i) => (info === null ? -1 : i)).filter((i) => i >= 0);
      expect(winners).toHaveLength(1);
      expect(text(await store.get("once"))).toBe(String(winners[0]));
      expect(await store.putIfAbsent("once", bytes("late"))).toBeNull();
    });

    it("puts under a condition only while the etag is the object's", async () => {
      const first = await store.put("key", bytes("one"));
      const second = await store.putIfMatch("key", bytes("two"), first.etag);
      expect(second).toEqual(await store.head("key"));
      expect(second?.etag).not.toBe(first.etag);
      expect(await store.putIfMatch("key", bytes("three"), first.etag)).toBeNull();
      expect(text(await store.get("key"))).toBe("two");
      await store.put("key", bytes("four"));
      expect(await store.putIfMatch("key", bytes("five"), second?.etag ?? "")).toBeNull();
      expect(text(await store.get("key"))).toBe("four");
    });

    it("puts under a condition nothing where nothing is", async () => {
      expect(await store.putIfMatch("folder/none", bytes("x"), "any")).toBeNull();
      const { etag } = await store.put("key", bytes("one"));
      await store.delete("key");
      expect(await store.putIfMatch("key", bytes("two"), etag)).toBeNull();
      expect(await store.list("")).toEqual([]);
    });

    it("keeps the old content when a stream fails half-way under a condition", async () => {
      const { etag } = await store.put("key", bytes("old"));
      async function* broken() {
        yield bytes("new, but");
        throw new Error("the source broke");
      }
      await expect(store.putIfMatch("key", broken(), etag)).rejects.toThrow();
      expect(await store.head("key")).toMatchObject({ etag });
      expect(await store.list("")).toEqual(["key"]);
    });

    it("gives another etag for other content of the same size, however fast the writes follow", async () => {
      const etags: string[] = [];
      for (let i = 0; i < 100; i++) etags.push((await store.put("key", bytes(String(1000 + i)))).etag);
      expect(new Set(etags).size).toBe(100);
    });

    it("lets one of several writers with the same etag win, in every round", async () => {
      let { etag } = await store.put("key", bytes("start"));
      for (let round = 0; round < 20; round++) {
        const tries = [1, 2, 3, 4, 5].map((writer) => store.putIfMatch("key", bytes(`${round} ${writer}`), etag));
        const infos = await Promise.all(tries);
        const winners = infos.flatMap((info, i) => (info === null ? [] : [`${round} ${i + 1}`]));
        expect(winners).toHaveLength(1);
        expect(text(await store.get("key"))).toBe(winners[0]);
        etag = infos.find((info) => info !== null)?.etag ?? "";
      }
    });

    it("loses no update of a counter that several writers increment", async () => {
      await store.put("counter", bytes("0"));
      const increment = async (): Promise<void> => {
        for (;;) {
          const info = await store.head("counter");
          const next = Number(text(await store.get("counter"))) + 1;
          if ((await store.putIfMatch("counter", bytes(String(next)), info?.etag ?? "")) !== null) return;
        }
      };
      const writer = async () => {
        for (let i = 0; i < 10; i++) await increment();
      };
      await Promise.all([writer(), writer(), writer(), writer()]);
      expect(text(await store.get("counter"))).toBe("40");
    });

    it("lets an unconditional put, a delete and conditional ones of the same moment happen one after the other", async () => {
      for (let round = 0; round < 20; round++) {
        const { etag } = await store.put("key", bytes(`${round} start`));
        const [conditional] = await Promise.all([
          store.putIfMatch("key", bytes(`${round} conditional`), etag),
          round % 2 === 0 ? store.put("key", bytes(`${round} put`)) : store.delete("key"),
        ]);
        const left = (await store.head("key")) === null ? null : text(await store.get("key"));
        // The unconditional one always happens; the conditional one only before it, or not at all.
        expect(left).toBe(round % 2 === 0 ? `${round} put` : null);
        if (conditional !== null) expect(conditional.etag).not.toBe(etag);
      }
    });

    it("takes no folder for an object", async () => {
      await store.put("folder/key", bytes("x"));
      expect(await store.head("folder")).toBeNull();
      await expect(store.get("folder")).rejects.toMatchObject({ code: "OBJECT_NOT_FOUND" });
      await store.delete("folder");
      expect(await store.list("")).toEqual(["folder/key"]);
    });

    it("lists by prefix, ascending", async () => {
      for (const key of ["b/2", "a/1", "b/10", "bb"]) await store.put(key, bytes(key));
      expect(await store.list("b/")).toEqual(["b/10", "b/2"]);
      expect(await store.list("")).toEqual(["a/1", "b/10", "b/2", "bb"]);
      expect(await store.list("b")).toEqual(["b/10", "b/2", "bb"]);
      for (const prefix of ["none", "none/", "bb/", "b//", "../", "./b/"]) expect(await store.list(prefix)).toEqual([]);
    });

    it("deletes, also what is not there", async () => {
      await store.put("key", bytes("x"));
      await store.delete("key");
      await store.delete("key");
      expect(await store.head("key")).toBeNull();
      await expect(store.get("key")).rejects.toMatchObject({ code: "OBJECT_NOT_FOUND" });
      await expect(store.getRange("key", 0, 1)).rejects.toMatchObject({ code: "OBJECT_NOT_FOUND" });
    });

    it.each(["", "/a", "a//b", "../a", "a/../b", "a/.", "a\\b"])("refuses the key %j", async (key) => {
      await expect(store.put(key, bytes("x"))).rejects.toMatchObject({ code: "OBJECT_KEY_INVALID" });
      await expect(store.putIfMatch(key, bytes("x"), "any")).rejects.toMatchObject({ code: "OBJECT_KEY_INVALID" });
    });
  });
}
