import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  detectSeparator,
  maxQuotedRecordBytes,
  recordEnd,
  splitRecord,
  wholeRecords,
} from "../../../src/core/ratings/delimited.ts";

const comma = 44;
const bytes = (text: string) => new TextEncoder().encode(text);

/** The records of `text`, as `recordEnd` cuts it. */
function records(text: string, separator = comma): string[] {
  const content = bytes(text);
  const found: string[] = [];
  for (let start = 0; start < content.length; ) {
    const end = recordEnd(content, start, separator);
    found.push(new TextDecoder().decode(content.subarray(start, end)));
    start = end;
  }
  return found;
}

describe("recordEnd", () => {
  it("keeps a quoted line break inside its record", () => {
    expect(records('1,"two\nlines",3\n4,5,6\n')).toEqual(['1,"two\nlines",3\n', "4,5,6\n"]);
  });

  it("ends at each line break where quotes do not count", () => {
    expect(records('1,"two\nlines",3\n', -1)).toEqual(['1,"two\n', 'lines",3\n']);
  });

  it.each([
    ["in the middle of a field", '1,5" pipe,2\n3,6" pipe,4\n'],
    ["never closed", '1,"open,2\n3,4,5\n6,7,8\n'],
    ["closed in the middle of a field", '1,"a"b,2\n3,"c"d,4\n'],
  ])("does not let a quote %s swallow the lines behind it", (_, text) => {
    expect(records(text)).toEqual(text.split(/(?<=\n)/));
  });

  it("does not look for a closing quote further than the limit", () => {
    const text = `1,"open\n${"2,3,4\n".repeat(maxQuotedRecordBytes / 6 + 1)}5,"closed",6\n`;
    expect(records(text)[0]).toBe('1,"open\n');
  });
});

describe("wholeRecords", () => {
  it("never cuts a record that more bytes would make longer", () => {
    const piece = fc.constantFrom('"', ",", "\n", "\r\n", '""', " ", "a", '"x\ny"');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), fc.nat(), (pieces, cut) => {
        const all = bytes(`${pieces.join("")}\n`);
        const end = wholeRecords(all.subarray(0, cut % (all.length + 1)), comma, 8);
        const ends = new Set([0]);
        for (let start = 0; start < all.length; ) {
          start = recordEnd(all, start, comma, 8);
          ends.add(start);
        }
        expect(ends.has(end)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("splitRecord", () => {
  it.each([
    ["1,2,3", ["1", "2", "3"]],
    [' 1 , "a, b" ,3', ["1", "a, b", "3"]],
    ['"say ""hi""",', ['say "hi"', ""]],
    ['"",x', ["", "x"]],
    ["", [""]],
    ['a"b,c', ['a"b', "c"]],
  ])("splits %s", (record, fields) => {
    expect(splitRecord(record, ",", true)).toEqual(fields);
  });

  it.each(['"open', '"a"b', 'a,"b" c'])("finds the quote out of place in %s", (record) => {
    expect(splitRecord(record, ",", true)).toBeUndefined();
  });

  it("gives back any fields that were quoted", () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 1 }), (fields) => {
        const record = fields.map((field) => `"${field.replaceAll('"', '""')}"`).join(";");
        expect(splitRecord(record, ";", true)).toEqual(fields);
      }),
    );
  });
});

describe("detectSeparator", () => {
  it.each([
    [["a,b", "1,2"], ","],
    [["a\tb\tc", "1\t2,5\t3"], "\t"],
    [["a;b;c", "1;2,5;3"], ";"],
    [["a|b", "1|2"], "|"],
    [["single"], ","],
  ])("finds that of %j", (lines, separator) => {
    expect(detectSeparator(lines)).toBe(separator);
  });
});
