import { beforeAll, describe, expect, it } from "vitest";
import { MemoryInteractionLog } from "../../../src/adapters/local/memory-interaction-log.ts";
import { recommend } from "../../../src/app/recommend.ts";
import { RecommendationService } from "../../../src/app/serving/recommendation-service.ts";
import { RecordedInteractions } from "../../../src/app/serving/recorded-interactions.ts";
import type { ServedModel } from "../../../src/app/serving/served-model.ts";
import { ServiceHolder } from "../../../src/app/serving/service-holder.ts";
import { items, tasteOf, textItem, textUser, twoTastes, users } from "./two-tastes.ts";

let model: Awaited<ReturnType<typeof twoTastes>>;
beforeAll(async () => {
  model = await twoTastes();
});

const service = (): RecommendationService => new RecommendationService(model, new RecordedInteractions());
const ids = (list: readonly { readonly itemId: string }[]): string[] => list.map(({ itemId }) => itemId);
const watched = (userId: string, itemId: string, timestampMs = 1e9) => ({ userId, itemId, timestampMs });

/** Counts what is folded in. */
function counting(histories: number[][], foldsCheaply = false): ServedModel {
  return {
    ...model,
    userModel: {
      ...model.userModel,
      foldsCheaply,
      fold(history, user) {
        histories.push([...history]);
        return model.userModel.fold(history, user);
      },
    },
  };
}

describe("recommendations", () => {
  it("gives a known user unseen items of their own taste, as `ncf recommend` does", () => {
    for (const userId of ["1", "2", "31", textUser]) {
      const { basis, version, items: found } = service().recommend({ userId, k: 10 });
      expect({ basis, version }).toEqual({ basis: "model", version: "v1" });
      expect(found).toEqual(recommend(model, model.userModel, userId, 10));
      expect(new Set(ids(found).map(tasteOf)).size).toBe(1);
      const seen = ids(service().history(userId, 1000).items);
      expect(seen).toHaveLength(25);
      expect(ids(found).filter((id) => seen.includes(id))).toEqual([]);
    }
  });

  it("gives a user it does not know the popular items, ties by id, and says so", () => {
    const { basis, items: found } = service().recommend({ userId: "nobody", k: items });
    expect(basis).toBe("popularity");
    expect(found).toHaveLength(items);
    for (let i = 1; i < found.length; i++) {
      expect(found[i].score).toBeLessThanOrEqual(found[i - 1].score);
      if (found[i].score === found[i - 1].score && found[i].itemId !== textItem) {
        expect(Number(found[i].itemId)).toBeGreaterThan(Number(found[i - 1].itemId));
      }
    }
    expect(service().recommend({ k: 3 })).toMatchObject({ basis: "popularity", items: found.slice(0, 3) });
  });

  it("counts at once what an anonymous user has just watched", () => {
    for (const recentItems of [
      ["1", "3", "5"],
      ["2", "4", textItem],
    ]) {
      const { basis, items: found } = service().recommend({ recentItems, k: 10 });
      expect(basis).toBe("foldIn");
      expect(new Set(ids(found).map(tasteOf))).toEqual(new Set([tasteOf(recentItems[0])]));
      expect(ids(found).filter((id) => recentItems.includes(id))).toEqual([]);
    }
    expect(service().recommend({ recentItems: ["no such item"], k: 3 }).basis).toBe("popularity");
  });

  it("counts what a known user has just watched in this answer only", () => {
    const mine = service();
    const [best] = mine.recommend({ userId: "1", k: 1 }).items;
    const { basis, items: found } = mine.recommend({ userId: "1", recentItems: [best.itemId], k: items });
    expect(basis).toBe("foldIn");
    expect(ids(found)).not.toContain(best.itemId);
    expect(found).toHaveLength(items - 26);
    expect(mine.recommend({ userId: "1", k: 1 }).items).toEqual([best]);
  });

  it("scores given items in the order asked for, unknown ones as null", () => {
    const asked = ["3", "no such item", "4", "3", textItem];
    const { basis, scores } = service().scores("1", asked);
    expect(basis).toBe("model");
    expect(ids(scores)).toEqual(asked);
    expect(scores[1].score).toBeNull();
    expect(scores[0].score).toBe(scores[3].score);
    expect(Number(scores[0].score)).toBeGreaterThan(Number(scores[2].score));
    expect(service().scores("nobody", ["3"])).toMatchObject({ basis: "popularity" });
    expect(service().scores("1", []).scores).toEqual([]);
  });
});

describe("recorded interactions", () => {
  it("count in the very next recommendation", () => {
    const mine = service();
    const [best] = mine.recommend({ userId: "1", k: 1 }).items;
    expect(mine.record([watched("1", best.itemId)])).toEqual({ recorded: 1, repeats: 0, unknownItems: 0 });
    const next = mine.recommend({ userId: "1", k: items });
    expect(next.basis).toBe("foldIn");
    expect(ids(next.items)).not.toContain(best.itemId);
    expect(mine.history("1", 1).items[0]).toMatchObject({ itemId: best.itemId, recorded: true, title: best.title });
  });

  it("make a newcomer somebody with a taste", () => {
    const mine = service();
    expect(mine.history("new", 10)).toEqual({ known: false, total: 0, items: [] });
    mine.record([watched("new", "7"), watched("new", "9")]);
    const { basis, items: found } = mine.recommend({ userId: "new", k: 10 });
    expect(basis).toBe("foldIn");
    expect(new Set(ids(found).map(tasteOf))).toEqual(new Set(["red"]));
    expect(mine.history("new", 10)).toMatchObject({ known: true, total: 2 });
    expect(mine.users("ne", 10)).toEqual([{ userId: "new", interactions: 2 }]);
  });

  it("on items touched before are counted as repeats and change nothing", () => {
    const mine = service();
    const [seen] = mine.history("1", 1).items;
    const before = mine.recommend({ userId: "1", k: 10 });
    expect(mine.record([watched("1", seen.itemId), watched("1", seen.itemId)])).toMatchObject({
      recorded: 0,
      repeats: 2,
    });
    expect(mine.recommend({ userId: "1", k: 10 })).toEqual(before);
    expect(mine.record([watched("new", "7"), watched("new", "7"), watched("other", "7")])).toMatchObject({
      recorded: 2,
      repeats: 1,
    });
  });

  it("fold the user in at 1, 2, 4, 8, ... of them, from the whole history, oldest first", () => {
    const histories: number[][] = [];
    const mine = new RecommendationService(counting(histories), new RecordedInteractions());
    for (let n = 1; n <= 9; n++) {
      mine.record([watched("new", String(2 * n), 1e6 - n)]);
      mine.recommend({ userId: "new", k: 1 });
      mine.recommend({ userId: "new", k: 1 });
    }
    expect(histories.map((history) => history.length)).toEqual([1, 2, 4, 8]);
    expect(histories[2]).toEqual([7, 5, 3, 1]);
    mine.record([watched("1", "2")]);
    mine.recommend({ userId: "1", k: 1 });
    expect(histories.at(-1)).toHaveLength(26);
    expect(histories.at(-1)?.at(-1)).toBe(1);
  });

  it("fold the user in each time where that is cheap", () => {
    const histories: number[][] = [];
    const mine = new RecommendationService(counting(histories, true), new RecordedInteractions());
    for (let n = 1; n <= 5; n++) {
      mine.record([watched("new", String(2 * n))]);
      mine.recommend({ userId: "new", k: 1 });
    }
    expect(histories.map((history) => history.length)).toEqual([1, 2, 3, 4, 5]);
  });

  it("on an item that the model does not know are kept and shown, and count once a version knows it", async () => {
    const smaller: ServedModel = {
      ...model,
      version: "v0",
      sample: { ...model.sample, itemIds: model.sample.itemIds.map((id) => (id === 1 ? 0.5 : id)) },
    };
    const holder = await ServiceHolder.open(smaller, new MemoryInteractionLog());
    expect(holder.current.record([watched("new", "1")])).toEqual({ recorded: 1, repeats: 0, unknownItems: 1 });
    expect(holder.current.history("new", 9).items).toMatchObject([{ itemId: "1", title: null, genres: [] }]);
    expect(holder.current.recommend({ userId: "new", k: 1 }).basis).toBe("popularity");
    holder.swap(model);
    expect(holder.current.history("new", 9).items).toMatchObject([{ itemId: "1", title: "Red film 1 (1990)" }]);
    expect(holder.current.recommend({ userId: "new", k: 1 }).basis).toBe("foldIn");
  });
});

describe("lookups", () => {
  it("find items by words of the title, whatever case and accents, the title's start first", () => {
    const titled: ServedModel = {
      ...model,
      items: [
        { id: 1, title: "Amélie (2001)", genres: [] },
        { id: 2, title: "The Trial of Amelie", genres: [] },
        { id: 3, title: "Trial, The", genres: [] },
      ],
    };
    const search = (query: string, limit = 10) =>
      ids(new RecommendationService(titled, new RecordedInteractions()).searchItems(query, limit));
    expect(search("AMELIE")).toEqual(["1", "2"]);
    expect(search("the trial")).toEqual(["2", "3"]);
    expect(search("trial")).toEqual(["3", "2"]);
    expect(search("trial", 1)).toEqual(["3"]);
    expect(search("of amé")).toEqual(["2"]);
    expect(search("77")).toEqual(["77"]);
    expect(search("nothing like it")).toEqual([]);
    expect(search("", 5)).toEqual(ids(service().recommend({ userId: "nobody", k: 5 }).items));
    expect(search("!?", 5)).toHaveLength(5);
  });

  it("list users by the start of their id, with the size of their history", () => {
    expect(service().users("1", 3)).toEqual([
      { userId: "1", interactions: 25 },
      { userId: "10", interactions: 25 },
      { userId: "11", interactions: 25 },
    ]);
    expect(service().users("", 1000)).toHaveLength(users);
    expect(service().users("ann", 3)).toEqual([{ userId: textUser, interactions: 25 }]);
  });

  it("say what is served", () => {
    expect(service().facts).toEqual({
      version: "v1",
      name: "mf",
      dataset: { name: "two tastes", generated: true, users, items, interactions: users * 25 },
      published: null,
    });
  });
});
