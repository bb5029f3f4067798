import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readDataset } from "../../../src/adapters/local/ratings-reader.ts";
import { zipFile } from "./zip-file.ts";

const latin1 = (text: string) => Buffer.from(text, "latin1");

/** A folder's files as GroupLens publishes them, cut to a few rows. */
const formats = {
  "ml-100k": {
    "u.data": "196\t242\t3\t881250949\n186\t302\t3\t891717742\n",
    "u.item": latin1(
      `242|Kolya (1996)|24-Jan-1997||http://us.imdb.com/M/title-exact?Kolya%20(1996)|0|0|0|0|0|1|0|0|0|0|0|0|0|0|0|0|0|0|0
302|Café, L.A. (1997)|01-Jan-1997||http://us.imdb.com/|0|0|0|0|0|0|1|0|0|0|1|0|0|1|0|0|1|0|0
`,
    ),
    "u.genre":
      "unknown|0\nAction|1\nAdventure|2\nAnimation|3\nChildren's|4\nComedy|5\nCrime|6\nDocumentary|7\nDrama|8\nFantasy|9\nFilm-Noir|10\nHorror|11\nMusical|12\nMystery|13\nRomance|14\nSci-Fi|15\nThriller|16\nWar|17\nWestern|18\n\n",
    "u.user": "1|24|M|technician|85711\n",
  },
  "ml-1m": {
    "ratings.dat": "1::1193::5::978300760\n1::661::3::978302109\n",
    "movies.dat": latin1("661::Misérables, Les (1995)::Drama|Musical\n1193::One Flew Over: It::Again (1975)::Drama\n"),
    "users.dat": "1::F::1::10::48067\n",
  },
  "ml-10M100K": {
    "ratings.dat": "1::122::5::838985046\n1::185::4.5::838983525\n",
    "movies.dat": "122::Boomerang (1992)::Comedy|Romance\n185::Net, The (1995)::(no genres listed)\n",
    "tags.dat": "15::4973::excellent!::1215184630\n",
  },
  "ml-25m": {
    "ratings.csv": "userId,movieId,rating,timestamp\r\n1,296,5.0,1147880044\r\n1,306,3.5,1147868817\r\n",
    "movies.csv":
      'movieId,title,genres\r\n296,"Pulp, Fiction (1994)",Crime|Drama\r\n306,"Rouge ""R"" (1994)",Drama\r\n',
    "tags.csv": "userId,movieId,tag,timestamp\r\n3,260,classic,1439472355\r\n",
    "genome-scores.csv": "movieId,tagId,relevance\r\n1,1,0.02875\r\n",
  },
} satisfies Record<string, Record<string, string | Buffer>>;

const expected = {
  "ml-100k": {
    format: "movielens-100k",
    rows: [
      [196, 242, 3, 881250949000],
      [186, 302, 3, 891717742000],
    ],
    items: [
      { id: 242, title: "Kolya (1996)", genres: ["Comedy"] },
      { id: 302, title: "Café, L.A. (1997)", genres: ["Crime", "Film-Noir", "Mystery", "Thriller"] },
    ],
  },
  "ml-1m": {
    format: "movielens-dat",
    rows: [
      [1, 1193, 5, 978300760000],
      [1, 661, 3, 978302109000],
    ],
    items: [
      { id: 661, title: "Misérables, Les (1995)", genres: ["Drama", "Musical"] },
      { id: 1193, title: "One Flew Over: It::Again (1975)", genres: ["Drama"] },
    ],
  },
  "ml-10M100K": {
    format: "movielens-dat",
    rows: [
      [1, 122, 5, 838985046000],
      [1, 185, 4.5, 838983525000],
    ],
    items: [
      { id: 122, title: "Boomerang (1992)", genres: ["Comedy", "Romance"] },
      { id: 185, title: "Net, The (1995)", genres: [] },
    ],
  },
  "ml-25m": {
    format: "movielens-csv",
    rows: [
      [1, 296, 5, 1147880044000],
      [1, 306, 3.5, 1147868817000],
    ],
    items: [
      { id: 296, title: "Pulp, Fiction (1994)", genres: ["Crime", "Drama"] },
      { id: 306, title: 'Rouge "R" (1994)', genres: ["Drama"] },
    ],
  },
};

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "ncf-formats-"));
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

async function check(path: string, name: keyof typeof formats): Promise<void> {
  const { ratings, items, validation } = await readDataset(path);
  const { format, rows, items: expectedItems } = expected[name];
  const { user, item, userIds, itemIds, rating, timestampMs } = ratings;
  expect(Array.from(user, (u, i) => [userIds[u], itemIds[item[i]], rating[i], timestampMs[i]])).toEqual(rows);
  expect(items).toEqual(expectedItems);
  expect(validation).toMatchObject({ format, rowsRead: 2, rowsRejected: 0, itemsNotListed: 0, itemsWithoutRatings: 0 });
  expect(validation.itemListRejected).toBeUndefined();
}

describe.each(Object.keys(formats) as (keyof typeof formats)[])("%s", (name) => {
  const files: Record<string, string | Buffer> = formats[name];

  it("is read from its folder, and from a folder around that", async () => {
    for (const [file, content] of Object.entries(files)) await write(`outer/${name}/${file}`, content);
    await check(join(folder, "outer", name), name);
    await check(join(folder, "outer"), name);
  });

  it("is read from its zip", async () => {
    const entries = Object.entries(files).map(([file, content]) => [`${name}/${file}`, content]);
    await check(await write(`${name}.zip`, zipFile(Object.fromEntries(entries))), name);
  });

  it("is read from its ratings file with the list of movies beside it", async () => {
    for (const [file, content] of Object.entries(files)) await write(file, content);
    await check(join(folder, Object.keys(files)[0]), name);
  });
});

describe("an own CSV", () => {
  const text = "who;what;when\nann;7;2020-05-01\nbob;8;2020-05-02\n";
  const columns = { user: "who", item: "what", time: "when" };

  it("is read from a zip or folder that holds nothing else like it", async () => {
    const zip = await write("own.zip", zipFile({ "export/events.csv": text, "export/README.txt": "about" }));
    expect((await readDataset(zip, { columns })).ratings.length).toBe(2);
    await write("own/events.csv", text);
    expect((await readDataset(join(folder, "own"), { columns })).ratings.length).toBe(2);
  });

  it("is asked for by its own path where a folder holds several", async () => {
    await write("own/events.csv", text);
    await write("own/users.csv", "id\n1\n");
    await expect(readDataset(join(folder, "own"), { columns })).rejects.toMatchObject({ code: "RATINGS_NOT_FOUND" });
    expect((await readDataset(join(folder, "own/events.csv"), { columns })).ratings.userLabels.size).toBe(2);
  });
});

it("reports lines of the list of movies that it leaves out", async () => {
  await write("ratings.csv", "userId,movieId,rating,timestamp\n1,5,3,4\n1,6,3,5\n");
  await write("movies.csv", "movieId,title,genres\n5,A,Drama\n5,B,Drama\nbroken\n9,C,War\n");
  const { items, validation } = await readDataset(folder);
  expect(items.map(({ id }) => id)).toEqual([5, 9]);
  expect(validation).toMatchObject({ itemsNotListed: 1, itemsWithoutRatings: 1 });
  expect(validation.itemListRejected).toEqual([
    { reason: "item id is listed twice", count: 1, examples: [{ line: 3, text: "5,B,Drama" }] },
    { reason: "expected at least 3 fields", count: 1, examples: [{ line: 4, text: "broken" }] },
  ]);
});
