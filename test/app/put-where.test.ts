import { expect, it } from "vitest";
import { MemoryObjectStore } from "../../src/adapters/local/memory-object-store.ts";
import { putWhere } from "../../src/app/put-where.ts";
import { decodeJson, encodeJsonFile } from "../../src/core/json.ts";

it("writes where the object is removed while it is looked at", async () => {
  const store = new MemoryObjectStore();
  await store.put("a/claim.json", encodeJsonFile({ by: "other" }));
  const { get } = store;
  store.get = async (key) => {
    await store.delete(key);
    return get.call(store, key);
  };
  expect(await putWhere(store, "a/claim.json", encodeJsonFile({ by: "us" }), () => false)).toBe(true);
  expect(decodeJson(await get.call(store, "a/claim.json"))).toEqual({ by: "us" });
});

it("leaves an object that may not be replaced", async () => {
  const store = new MemoryObjectStore();
  await store.put("a/claim.json", encodeJsonFile({ by: "other" }));
  expect(await putWhere(store, "a/claim.json", encodeJsonFile({ by: "us" }), () => false)).toBe(false);
  expect(decodeJson(await store.get("a/claim.json"))).toEqual({ by: "other" });
});
