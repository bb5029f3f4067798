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

    it("lists by prefix, ascending", async () => {
      for (const key of ["b/2", "a/1", "b/10", "bb"]) await store.put(key, bytes(key));
      expect(await store.list("b/")).toEqual(["b/10", "b/2"]);
      expect(await store.list("")).toEqual(["a/1", "b/10", "b/2", "bb"]);
      expect(await store.list("none")).toEqual([]);
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
    });
  });
}
