import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readDataset } from "../../../src/adapters/local/ratings-reader.ts";
import { NcfError } from "../../../src/core/errors.ts";
import { zipFile } from "./zip-file.ts";

const header = "userId,movieId,rating,timestamp\n";
const body = Array.from({ length: 200 }, (_, i) => `${1 + (i >> 4)},${1 + (i % 16)},${(i % 10) / 2 + 0.5},${i * 99}\n`);
const ratings = header + body.join("");
const movies = 'movieId,title,genres\n1,"Quoted, The (1995)",Comedy|Drama\n2,Other,(no genres listed)\n';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "ncf-damage-"));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function write(path: string, content: string | Uint8Array): Promise<string> {
  const target = join(folder, path);
  await mkdir(dirname(target), { recursive: true });
  await writeFile(target, content);
  return target;
}

function failure(path: string) {
  return readDataset(path).then(
    () => "no failure",
    (error: unknown) => {
      expect(error).toBeInstanceOf(NcfError);
      return (error as NcfError).code;
    },
  );
}

describe("a zip", () => {
  it("is refused when truncated anywhere", async () => {
    const zip = zipFile({ "ml-x/ratings.csv": ratings });
    for (const share of [0.01, 0.3, 0.7, 0.99]) {
      const path = await write("cut.zip", zip.subarray(0, Math.floor(zip.length * share)));
      expect(await failure(path)).toBe("ZIP_INVALID");
    }
  });

  it("is refused when its content does not match its checksum", async () => {
    const zip = zipFile({ "ml-x/ratings.csv": ratings });
    for (let position = 60; position < 400; position += 20) {
      const altered = Buffer.from(zip);
      altered[position] ^= 0x10;
      expect(await failure(await write("bad.zip", altered))).toBe("ZIP_INVALID");
    }
    const lying = Buffer.from(zip);
    lying.writeUInt32LE(1, zip.indexOf("PK\x01\x02") + 16);
    expect(await failure(await write("lying.zip", lying))).toBe("ZIP_INVALID");
  });

  it("is refused without ratings, naming what is there", async () => {
    const path = await write("none.zip", zipFile({ "ml-x/README.txt": "hello", "ml-x/tags.json": "{}" }));
    await expect(readDataset(path)).rejects.toThrow(/ratings\.csv.*found README\.txt, tags\.json/);
  });

  it("is refused when it is something else with a zip's name", async () => {
    expect(await failure(await write("text.zip", ratings))).toBe("ZIP_INVALID");
    expect(await failure(await write("empty.zip", ""))).toBe("ZIP_INVALID");
  });

  it("cannot lead out of itself", async () => {
    expect(await failure(await write("evil.zip", zipFile({ "../ratings.csv": ratings })))).toBe("ZIP_INVALID");
  });
});

describe("a path", () => {
  it("is refused when nothing is there", async () => {
    expect(await failure(join(folder, "nowhere"))).toBe("RATINGS_NOT_FOUND");
  });

  it("is refused when it is a folder without ratings", async () => {
    await write("photos/one.jpg", "x");
    await expect(readDataset(join(folder, "photos"))).rejects.toThrow(/ratings\.csv.*found one\.jpg/);
  });

  it("is refused when ratings.csv is itself a folder", async () => {
    await write("odd/ratings.csv/inner.bin", "x");
    expect(await failure(join(folder, "odd"))).toBe("RATINGS_NOT_FOUND");
    expect(await failure(join(folder, "odd/ratings.csv"))).toBe("RATINGS_NOT_FOUND");
  });
});

describe("a file", () => {
  it.each([
    ["empty", ""],
    ["of blank lines", "\n\r\n \n"],
    ["of a header only", header],
    ["of a header without a line break", header.trimEnd()],
  ])("%s has no ratings", async (_, content) => {
    expect(await failure(await write("ratings.csv", content))).toBe("RATINGS_EMPTY");
  });

  it.each([
    ["UTF-16 LE", Buffer.from(`\ufeff${ratings}`, "utf16le")],
    ["UTF-16 LE without a mark", Buffer.from(ratings, "utf16le")],
    ["UTF-16 BE", Buffer.from(`\ufeff${ratings}`, "utf16le").swap16()],
    ["bare carriage returns", Buffer.from(ratings.replaceAll("\n", "\r"))],
  ])("in %s is refused with a way to convert it", async (_, content) => {
    const path = await write("ratings.csv", content);
    await expect(readDataset(path)).rejects.toMatchObject({
      code: "ENCODING_UNSUPPORTED",
      message: expect.stringContaining("convert it"),
    });
  });

  it("with a byte order mark and CRLF gives the same rows as without", async () => {
    const plain = await readDataset(await write("a/ratings.csv", ratings));
    const marked = await readDataset(await write("b/ratings.csv", `\ufeff${ratings.replaceAll("\n", "\r\n")}`));
    expect(marked.ratings).toEqual(plain.ratings);
    expect(marked.validation.format).toBe("movielens-csv");
    expect(marked.validation.rowsRejected).toBe(0);
  });

  it("with up to 1 % of bad rows is read; above, the run fails with the reasons and the way out", async () => {
    const two = await write("two/ratings.csv", `${ratings}1,2,x,3\n1,2\n`);
    const { validation } = await readDataset(two);
    expect(validation).toMatchObject({ rowsRead: 202, rowsKept: 200, rowsRejected: 2 });
    const three = await write("three/ratings.csv", `${ratings}1,2,x,3\n1,2,y,3\n1,2\n`);
    await expect(readDataset(three)).rejects.toMatchObject({
      code: "REJECTS_OVER_LIMIT",
      message: expect.stringMatching(
        /at most 1 %.*3 of 203 \(1\.48 %\): rating is not a number \(2 rows, first in line 202: "1,2,x,3"\).*raise the limit/,
      ),
      data: { rowsRead: 203, rowsKept: 200, rowsRejected: 3 },
    });
    const allowed = await readDataset(three, { maxRejectedShare: 0.02 });
    expect(allowed.ratings.length).toBe(200);
  });

  it("of nothing but bad rows fails whatever the limit", async () => {
    const path = await write("ratings.csv", `${header}a\nb\n`);
    await expect(readDataset(path, { maxRejectedShare: 1 })).rejects.toMatchObject({ code: "REJECTS_OVER_LIMIT" });
  });

  it("stops when asked to", async () => {
    const path = await write("ratings.csv", ratings);
    await expect(readDataset(path, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: "AbortError" });
  });
});

describe("mutated files", () => {
  const mutation = fc.tuple(
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.constantFrom("flip", "insert", "delete", "cut", "double"),
    fc.uint8Array({ minLength: 1, maxLength: 20 }),
  );
  const originals = {
    "ratings.csv": Buffer.from(ratings),
    "u.data": Buffer.from(body.join("").replaceAll(",", "\t")),
    "ratings.dat": Buffer.from(body.join("").replaceAll(",", "::")),
    "own.csv": Buffer.from(ratings.replace("movieId", "itemId").replaceAll(/^\d+/gm, '"quoted\n$&"')),
    "ml.zip": zipFile({ "ml/ratings.csv": ratings, "ml/movies.csv": movies }),
  };

  it.each(Object.keys(originals) as (keyof typeof originals)[])(
    "%s: every row is kept or rejected, or the run fails with a reason",
    async (name) => {
      await fc.assert(
        fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 4 }), async (mutations) => {
          const path = await write(`fuzz/${name}`, mutate(originals[name], mutations));
          try {
            const { ratings: table, validation } = await readDataset(path, { maxRejectedShare: 1 });
            expect(validation.rowsRead).toBe(validation.rowsKept + validation.rowsRejected);
            expect(validation.rejected.reduce((sum, { count }) => sum + count, 0)).toBe(validation.rowsRejected);
            expect(table.length).toBe(validation.rowsKept);
            expect(table.timestampMs.every(Number.isInteger)).toBe(true);
            expect(table.user.every((user) => table.userIds[user] >= 0)).toBe(true);
            expect(table.item.every((item) => table.itemIds[item] >= 0)).toBe(true);
          } catch (error) {
            if (!(error instanceof NcfError)) throw error;
          }
        }),
        { numRuns: 150 },
      );
    },
  );
});

function mutate(original: Buffer, mutations: readonly (readonly [number, string, Uint8Array])[]): Buffer {
  let bytes = Buffer.from(original);
  for (const [place, kind, extra] of mutations) {
    const at = Math.floor(place * bytes.length);
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
    if (kind === "flip") for (let i = 0; i < extra.length && at + i < bytes.length; i++) bytes[at + i] ^= extra[i];
    else if (kind === "insert") bytes = Buffer.concat([before, extra, after]);
    else if (kind === "delete") bytes = Buffer.concat([before, after.subarray(extra.length)]);
    else if (kind === "cut") bytes = Buffer.from(before);
    else bytes = Buffer.concat([before, after, after]);
  }
  return bytes;
}
