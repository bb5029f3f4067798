import { describe, expect, it } from "vitest";
import { withTags } from "../../../src/core/ratings/tag-list.ts";
import type { ItemDetails } from "../../../src/core/ratings.ts";

const items: ItemDetails[] = Array.from({ length: 12 }, (_, id) => ({ id, title: `Movie ${id}`, genres: [] }));
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** So many items get the tag. */
function tagged(tag: string, count: number, separator = ","): string {
  return Array.from({ length: count }, (_, item) => ["7", item, tag, "1445714994"].join(separator)).join("\n");
}

describe("tags", () => {
  it("are those that ten items have or more, in lower case, each once, in alphabetical order", () => {
    const file = `userId,movieId,tag,timestamp\r\n${tagged("Funny", 11)}\n${tagged('"noir, neo"', 10)}\n9,0,FUNNY,1\n${tagged("rare", 9)}`;
    const { items: found, rejected } = withTags(items, bytes(file), "movies-csv");
    expect(rejected).toEqual([]);
    expect(found[0]).toEqual({ id: 0, title: "Movie 0", genres: [], tags: ["funny", "noir, neo"] });
    expect(found[10].tags).toEqual(["funny"]);
    expect(found[11]).toEqual(items[11]);
  });

  it("are read from tags.dat, too", () => {
    const { items: found } = withTags(items, bytes(tagged("neo::noir|dark", 10, "::")), "movies-dat");
    expect(found[3].tags).toEqual(["neo::noir dark"]);
  });

  it("that cannot be used are told with their lines", () => {
    const file = `userId,movieId,tag,timestamp\n1,2,,3\n1,2,"open,3\n1,2\n1,,x,3\n`;
    const { rejected } = withTags(items, bytes(file), "movies-csv");
    expect(rejected.map(({ reason, examples }) => [reason, examples[0].line])).toEqual([
      ["tags: the tag is empty", 2],
      ["tags: a quote is out of place or not closed", 3],
      ["tags: expected at least 4 fields", 4],
      ["tags: item id is empty or longer than 128 bytes", 5],
    ]);
  });
});
