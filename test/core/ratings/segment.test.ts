import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NcfError } from "../../../src/core/errors.ts";
import { RatingsAssembler } from "../../../src/core/ratings/assemble.ts";
import { recordEnd } from "../../../src/core/ratings/delimited.ts";
import { detectLayout, type LayoutOptions, quotedSeparator } from "../../../src/core/ratings/layout.ts";
import { SegmentParser } from "../../../src/core/ratings/segment.ts";

const header = "userId,movieId,rating,timestamp\n";
const own: LayoutOptions = { columns: { user: "u", item: "i", rating: "r", time: "t" }, timeFormat: "seconds" };

/** Parses `text` in segments of about `segmentBytes`, as a reader does. */
function parse(text: string, name = "ratings.csv", options: LayoutOptions = {}, segmentBytes = 1e9) {
  const bytes = new TextEncoder().encode(text.endsWith("\n") ? text : `${text}\n`);
  const layout = detectLayout(bytes, name, options);
  const assembler = new RatingsAssembler(layout.firstLine);
  const parser = new SegmentParser(layout);
  let start = layout.dataStart;
  while (start < bytes.length) {
    let end = start;
    while (end < bytes.length && end - start < segmentBytes) end = recordEnd(bytes, end, quotedSeparator(layout));
    assembler.add(parser.parse(bytes.slice(start, end)));
    start = end;
  }
  const { rowsKept, rowsRejected } = assembler;
  return { rowsKept, rowsRejected, ...assembler.finish() };
}

function rows({ table }: ReturnType<typeof parse>): unknown[] {
  return Array.from(table.user, (user, i) => {
    const id = table.userIds[user];
    const item = table.itemIds[table.item[i]];
    return [table.userLabels.get(id) ?? id, table.itemLabels.get(item) ?? item, table.rating[i], table.timestampMs[i]];
  });
}

describe("rows", () => {
  it("are the same unquoted (fast path) and quoted (slow path)", () => {
    const lines = ["1,2,3.5,964982703", "1,3,4,964982704", "20,2,0.5,1", "300000000,9007199254740991,5.0,1537799250"];
    const quoted = lines.map((line) => line.replace(/[^,]+/g, '"$&"'));
    const fast = parse(header + lines.join("\n"));
    expect(rows(fast)).toEqual([
      [1, 2, 3.5, 964982703000],
      [1, 3, 4, 964982704000],
      [20, 2, 0.5, 1000],
      [300000000, 9007199254740991, 5, 1537799250000],
    ]);
    expect(rows(parse(header + quoted.join("\n")))).toEqual(rows(fast));
  });

  it.each([
    ["a missing last line break", "1,2,3,4\n5,6,1,8"],
    ["CRLF", "1,2,3,4\r\n5,6,1,8\r\n"],
    ["blank lines", "\n1,2,3,4\n\r\n  \n5,6,1,8\n\n"],
    ["blanks around fields", " 1, 2 ,3,4\n5 ,6,1, 8\n"],
  ])("are read with %s", (_, body) => {
    const parsed = parse(header + body);
    expect(rows(parsed)).toEqual([
      [1, 2, 3, 4000],
      [5, 6, 1, 8000],
    ]);
    expect(parsed.rowsRejected).toBe(0);
  });

  it.each([
    ["one,2,3,4", ["one", 2, 3, 4000]],
    ["007,2,3,4", ["007", 2, 3, 4000]],
    ["9007199254740992,2,3,4", ["9007199254740992", 2, 3, 4000]],
    ["-1,2,3,4", ["-1", 2, 3, 4000]],
    ["1,ü,3,4", [1, "ü", 3, 4000]],
    [`${"x".repeat(128)},2,3,4`, ["x".repeat(128), 2, 3, 4000]],
    ["1,2,,4", [1, 2, Number.NaN, 4000]],
    ["1,2,-1e1,4", [1, 2, -10, 4000]],
    ["1,2,2.71429,4", [1, 2, Math.fround(2.71429), 4000]],
    ["1,2,3,-86400", [1, 2, 3, -86400000]],
    ["1,2,3,4.25", [1, 2, 3, 4250]],
    ["0,0,0,0", [0, 0, 0, 0]],
  ])("keep %s", (line, expected) => {
    expect(rows(parse(header + line))).toEqual([expected]);
  });

  it.each([
    ["1,2,3", "expected 4 fields"],
    ["1,2,3,4,5", "expected 4 fields"],
    [",2,3,4", "user id is empty"],
    ["1,,3,4", "item id is empty"],
    [`${"x".repeat(129)},2,3,4`, "user id is longer than 128 bytes"],
    [`1,${"ü".repeat(65)},3,4`, "item id is longer than 128 bytes"],
    ["1,2,good,4", "rating is not a number"],
    ["1,2,NaN,4", "rating is not a number"],
    ["1,2,Infinity,4", "rating is not a number"],
    ["1,2,1e999,4", "rating is not a number"],
    ["1,2,3.,4x", "timestamp is not a number"],
    ["1,2,3,", "timestamp is empty"],
    ["1,2,3,-4.5", "timestamp is negative with a fraction"],
    ["1,2,3,253402300800", "timestamp lies outside the years 1 to 9999"],
    ['1,"2,3,4', "a quote is out of place or not closed"],
  ])("are rejected: %s", (line, reason) => {
    const parsed = parse(`${header}1,1,1,1\n\n${line}\n2,2,2,2\n`);
    expect(rows(parsed)).toHaveLength(2);
    expect(parsed.rejected).toEqual([{ reason, count: 1, examples: [{ line: 4, text: line.slice(0, 120) }] }]);
  });

  it("are rejected where an id is not valid UTF-8", () => {
    const bytes = Uint8Array.from([...new TextEncoder().encode("1,caf"), 0xe9, ...new TextEncoder().encode(",3,4\n")]);
    const layout = detectLayout(new TextEncoder().encode(`${header}1,2,3,4\n`), "ratings.csv");
    expect(new SegmentParser(layout).parse(bytes).rejected[0]).toMatchObject({
      reason: "item id is not valid UTF-8",
      count: 1,
    });
  });

  it("stop the run where a line has no end", () => {
    expect(() => parse(`${header}1,2,3,${"4".repeat(1024 * 1024)}\n`)).toThrow(
      expect.objectContaining({ code: "LINE_TOO_LONG" }),
    );
  });
});

describe("rejected rows", () => {
  it("keep the first 20 of each kind with their line numbers, the most frequent kind first", () => {
    const lines = Array.from({ length: 60 }, (_, i) => (i % 2 === 0 ? "1,2,bad,4" : i % 4 === 1 ? "1,2,3" : "1,2,3,4"));
    const { rejected } = parse(header + lines.join("\n"), "ratings.csv", {}, 50);
    expect(rejected.map(({ reason, count }) => [reason, count])).toEqual([
      ["rating is not a number", 30],
      ["expected 4 fields", 15],
    ]);
    expect(rejected[0].examples.map(({ line }) => line)).toEqual(Array.from({ length: 20 }, (_, i) => 2 + 2 * i));
  });
});

describe("other layouts", () => {
  it("reads ML-100K's tabs", () => {
    expect(rows(parse("196\t242\t3\t881250949\n186\t302\t3\t891717742\n", "ml-100k/u.data"))).toEqual([
      [196, 242, 3, 881250949000],
      [186, 302, 3, 891717742000],
    ]);
  });

  it("reads ML-10M's double colons and half stars", () => {
    const parsed = parse("1::122::5::838985046\n1::185::4.5::838983525\n1:122:5:838985046\n", "ratings.dat");
    expect(rows(parsed)).toEqual([
      [1, 122, 5, 838985046000],
      [1, 185, 4.5, 838983525000],
    ]);
    expect(parsed.rejected).toMatchObject([{ reason: "expected 4 fields", count: 1 }]);
  });

  it("reads own columns by name with quoted line breaks, and counts lines through them", () => {
    const text = 'x;t;u;r;i\n"a;b\nc";10;alice;;p1\nn;20;bob;2;p2\nn;later;bob;2;p2\n';
    const parsed = parse(text, "own.csv", own);
    expect(rows(parsed)).toEqual([
      ["alice", "p1", Number.NaN, 10000],
      ["bob", "p2", 2, 20000],
    ]);
    expect(parsed.rejected).toMatchObject([{ reason: "timestamp is not a number", examples: [{ line: 5 }] }]);
  });

  it("reads own columns by number from a file without a header", () => {
    const columns = { user: "2", item: "3", time: "1" };
    expect(rows(parse("2010-12-01,alice,p1\n2010-12-02,bob,p2\n", "own.csv", { columns }))).toEqual([
      ["alice", "p1", Number.NaN, Date.UTC(2010, 11, 1)],
      ["bob", "p2", Number.NaN, Date.UTC(2010, 11, 2)],
    ]);
  });

  it("finds the usual names by itself, and reads ratings.csv without a header", () => {
    expect(parse("item_id,user_id,timestamp\n5,6,1112486027000\n", "events.csv").table.timestampMs[0]).toBe(
      1112486027000,
    );
    expect(rows(parse("1,2,3.5,964982703\n"))).toEqual([[1, 2, 3.5, 964982703000]]);
  });

  it("names the columns that are there when one is missing", () => {
    expect(() => parse("a,b,c\n1,2,3\n", "own.csv", own)).toThrow(/column "u" .*found "a", "b", "c"/);
  });
});

describe("statistics", () => {
  it("count repeats, missing ratings and ratings outside the scale, in a file grouped by user or not", () => {
    const lines = ["1,1,5,10", "1,2,6,20", "1,1,,30", "2,1,0,5", "2,1,3,5", "2,1,3,6"];
    for (const order of [
      [0, 1, 2, 3, 4, 5],
      [0, 3, 1, 4, 2, 5],
    ]) {
      const parsed = parse(header + order.map((i) => lines[i]).join("\n"), "ratings.csv", {}, 20);
      expect(parsed.statistics).toMatchObject({
        repeatedPairs: 3,
        ratingsMissing: 1,
        ratingsOutsideScale: 2,
        firstTimestampMs: 5000,
        lastTimestampMs: 30000,
      });
    }
  });
});

const fragment = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.nat(9), fc.nat(9), fc.nat(9), fc.nat(9)).map((row) => `${row.join(",")}\n`) },
  { weight: 2, arbitrary: fc.constantFrom('"', ",", "\n", "\r\n", "::", "\t", "-", ".5", "e9", "é", "x", " ", "\0") },
  { weight: 1, arbitrary: fc.string({ maxLength: 5 }) },
);

describe("any text", () => {
  it.each([
    ["MovieLens CSV", header, "ratings.csv", {}],
    ["ML-100K", "", "u.data", {}],
    ["double colons", "1::1::1::1\n", "ratings.dat", {}],
    ["own CSV", "u,i,r,t\n", "own.csv", own],
  ] as const)(
    "as %s gives the same whichever way it is cut, and every line is kept or rejected",
    (_, head, name, options) => {
      fc.assert(
        fc.property(fc.array(fragment, { maxLength: 40 }), fc.integer({ min: 1, max: 60 }), (pieces, segmentBytes) => {
          const body = pieces.join("");
          let whole: ReturnType<typeof parse>;
          try {
            whole = parse(head + body, name, options);
          } catch (error) {
            expect(error).toBeInstanceOf(NcfError);
            return;
          }
          const { statistics, ...rest } = whole;
          const { statistics: cutStatistics, ...cut } = parse(head + body, name, options, segmentBytes);
          expect(cut).toEqual(rest);
          expect(cutStatistics.repeatedPairs).toBe(statistics.repeatedPairs);
          expect(whole.table.length).toBe(whole.rowsKept);
          if (name !== "own.csv") {
            const lines = (head + body).split("\n").filter((line) => line.trim() !== "").length;
            expect(whole.rowsKept + whole.rowsRejected).toBe(lines - (name === "ratings.csv" ? 1 : 0));
          }
        }),
        { numRuns: 300 },
      );
    },
  );
});
