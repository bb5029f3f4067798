import { createHash } from "node:crypto";
import { mkdir, mkdtemp, open, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { createServer, type RequestListener, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { publishedDatasets } from "../../../src/adapters/local/dataset-catalogue.ts";
import { downloadDataset } from "../../../src/adapters/local/dataset-download.ts";
import { zipFile } from "./zip-file.ts";

const archive = Buffer.alloc(300_000, "not really a zip, but nobody looks inside. ");
const md5 = createHash("md5").update(archive).digest("hex");

let folder: string;
let server: Server;
let requests: string[];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "ncf-download-"));
  requests = [];
});

afterEach(async () => {
  vi.restoreAllMocks();
  server?.closeAllConnections();
  await new Promise((resolve) => (server?.listening ? server.close(resolve) : resolve(undefined)));
  await rm(folder, { recursive: true, force: true });
});

/** Serves the checksum `checksum` for every .md5, and the archive by `answer`. */
async function serve(
  answer: (response: ServerResponse) => void = (response) => response.end(archive),
  checksum = `${md5}  ml-1m.zip\n`,
): Promise<string> {
  return listen((request, response) => {
    requests.push(request.url ?? "");
    if (request.url?.endsWith(".md5")) response.end(checksum);
    else answer(response);
  });
}

async function listen(listener: RequestListener): Promise<string> {
  server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

const cache = (): string => path.join(folder, "cache");
const kept = async (): Promise<string[]> => (await readdir(cache()).catch(() => [])).sort();
const failing = (code: string) => expect.objectContaining({ code });

describe("a data set by name", () => {
  it.each([
    ["the form of md5sum", `${md5}  ml-1m.zip\n`],
    ["the form of BSD's md5", `MD5 (ml-1m.zip) = ${md5}\n`],
    ["upper case", `${md5.toUpperCase()} *ml-1m.zip\r\n`],
  ])("is downloaded and checked against a checksum in %s", async (_form, checksum) => {
    const baseUrl = await serve(undefined, checksum);
    const found = await downloadDataset("ml-1m", { folder: cache(), baseUrl });
    expect(found).toMatchObject({ path: path.join(cache(), "ml-1m.zip"), cached: false });
    expect(archive.equals(await readFile(found.path))).toBe(true);
    expect(await kept()).toEqual(["ml-1m.zip", "ml-1m.zip.md5"]);
  });

  it("is taken from the folder the next time, without the network", async () => {
    const baseUrl = await serve();
    await downloadDataset("ml-1m", { folder: cache(), baseUrl });
    requests = [];
    expect(await downloadDataset("ml-1m", { folder: cache(), baseUrl })).toMatchObject({ cached: true });
    expect(requests).toEqual([]);
  });

  it("is downloaded again when the kept file is damaged", async () => {
    const baseUrl = await serve();
    const { path: file } = await downloadDataset("ml-1m", { folder: cache(), baseUrl });
    await writeFile(file, archive.subarray(1));
    expect(await downloadDataset("ml-1m", { folder: cache(), baseUrl })).toMatchObject({ cached: false });
    expect(archive.equals(await readFile(file))).toBe(true);
  });

  it("tells how far it is", async () => {
    const baseUrl = await serve((response) => {
      response.setHeader("content-length", archive.length);
      response.end(archive);
    });
    const seen: number[] = [];
    const ended = vi.fn();
    const start = vi.fn(() => ({ update: (done: number) => seen.push(done), end: ended }));
    await downloadDataset("ml-1m", { folder: cache(), baseUrl, progress: { start } });
    expect(start).toHaveBeenCalledWith("Downloading ml-1m", archive.length, "bytes");
    expect(seen.at(-1)).toBe(archive.length);
    expect(ended).toHaveBeenCalledOnce();
  });

  it("may be downloaded by several at once", async () => {
    const baseUrl = await serve();
    const found = await Promise.all(
      Array.from({ length: 5 }, () => downloadDataset("ml-1m", { folder: cache(), baseUrl })),
    );
    for (const { path: file } of found) expect(archive.equals(await readFile(file))).toBe(true);
    expect(await kept()).toEqual(["ml-1m.zip", "ml-1m.zip.md5"]);
  });

  it("is refused, and the file removed, when its checksum is wrong", async () => {
    const baseUrl = await serve((response) => response.end(archive.subarray(7)));
    await expect(downloadDataset("ml-1m", { folder: cache(), baseUrl })).rejects.toEqual(failing("DATASET_CHECKSUM"));
    expect(await kept()).toEqual([]);
  });

  it("is refused when something other than a checksum is served", async () => {
    const baseUrl = await serve(undefined, "<html>Please sign in to the hotel's network</html>");
    await expect(downloadDataset("ml-1m", { folder: cache(), baseUrl })).rejects.toEqual(failing("DATASET_REFUSED"));
  });

  it("is refused when the server answers with an error", async () => {
    const baseUrl = await serve((response) => {
      response.statusCode = 503;
      response.end("later");
    });
    await expect(downloadDataset("ml-1m", { folder: cache(), baseUrl })).rejects.toEqual(
      expect.objectContaining({ code: "DATASET_REFUSED", retriable: true }),
    );
    expect(await kept()).toEqual([]);
  });

  it.each([
    ["with an announced length", archive.length],
    ["in chunks", null],
  ])("leaves nothing behind when the connection is cut %s", async (_how, length) => {
    const baseUrl = await serve((response) => {
      if (length !== null) response.setHeader("content-length", length);
      response.write(archive.subarray(0, 100_000), () => setTimeout(() => response.destroy(), 20));
    });
    await expect(downloadDataset("ml-1m", { folder: cache(), baseUrl })).rejects.toEqual(failing("DATASET_CUT"));
    expect(await kept()).toEqual([]);
  });

  it("leaves nothing behind when the body stands still", async () => {
    const baseUrl = await serve((response) => response.write(archive.subarray(0, 1000)));
    await expect(downloadDataset("ml-1m", { folder: cache(), baseUrl, stallTimeoutMs: 100 })).rejects.toEqual(
      failing("DATASET_STALLED"),
    );
    expect(await kept()).toEqual([]);
  });

  it("is unreachable when nothing listens", async () => {
    const baseUrl = await serve();
    await new Promise((resolve) => server.close(resolve));
    await expect(downloadDataset("ml-1m", { folder: cache(), baseUrl })).rejects.toEqual(
      expect.objectContaining({ code: "DATASET_UNREACHABLE", retriable: true }),
    );
  });

  it("is unreachable when a server takes the connection and never answers", async () => {
    const silent = createTcpServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const baseUrl = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/`;
    try {
      await expect(downloadDataset("ml-1m", { folder: cache(), baseUrl, connectTimeoutMs: 100 })).rejects.toEqual(
        failing("DATASET_UNREACHABLE"),
      );
    } finally {
      silent.close();
    }
  });

  it("is unreachable when its name does not resolve", async () => {
    await expect(
      downloadDataset("ml-1m", { folder: cache(), baseUrl: "http://no-such-host.invalid/" }),
    ).rejects.toEqual(failing("DATASET_UNREACHABLE"));
  });

  it("needs a folder that can be written", async () => {
    const file = path.join(folder, "a-file");
    await writeFile(file, "");
    const baseUrl = await serve();
    await expect(downloadDataset("ml-1m", { folder: path.join(file, "below"), baseUrl })).rejects.toEqual(
      failing("DATASET_FOLDER"),
    );
  });

  it("leaves nothing behind when the disk is full", async () => {
    const probe = await open(path.join(folder, "probe"), "w");
    const handle = Object.getPrototypeOf(probe) as { writeFile(data: unknown): Promise<void> };
    await probe.close();
    vi.spyOn(handle, "writeFile").mockRejectedValue(Object.assign(new Error("no space left"), { code: "ENOSPC" }));
    const baseUrl = await serve();
    await expect(downloadDataset("ml-1m", { folder: cache(), baseUrl })).rejects.toEqual(
      expect.objectContaining({ code: "DATASET_FOLDER", message: expect.stringContaining("no space left") }),
    );
    expect(await kept()).toEqual([]);
  });

  it("stops when told to, leaving nothing behind", async () => {
    const stop = new AbortController();
    const baseUrl = await serve((response) => {
      response.write(archive.subarray(0, 1000), () => setTimeout(() => stop.abort(), 20));
    });
    await expect(downloadDataset("ml-1m", { folder: cache(), baseUrl, signal: stop.signal })).rejects.toMatchObject({
      name: "AbortError",
    });
    expect(await kept()).toEqual([]);
  });

  it("clears away what a download killed long ago left behind, and nothing younger", async () => {
    await mkdir(cache());
    for (const name of ["ml-1m.zip.aa.part", "ml-1m.zip.bb.part"]) await writeFile(path.join(cache(), name), "half");
    const longAgo = new Date(Date.now() - 48 * 3600 * 1000);
    await utimes(path.join(cache(), "ml-1m.zip.aa.part"), longAgo, longAgo);
    await downloadDataset("ml-1m", { folder: cache(), baseUrl: await serve() });
    expect(await kept()).toEqual(["ml-1m.zip", "ml-1m.zip.bb.part", "ml-1m.zip.md5"]);
  });

  it("must be one of those that GroupLens publishes", async () => {
    await expect(downloadDataset("ml-2m", { folder: cache() })).rejects.toEqual(failing("DATASET_UNKNOWN"));
  });
});

describe("ml-latest-small", () => {
  it("is refused when ratings.csv inside is not the edition that is expected", async () => {
    const other = zipFile({ "ml-latest-small/ratings.csv": "userId,movieId,rating,timestamp\n" });
    const checksum = createHash("md5").update(other).digest("hex");
    const baseUrl = await serve((response) => response.end(other), `${checksum}  ml-latest-small.zip\n`);
    await expect(downloadDataset("ml-latest-small", { folder: cache(), baseUrl })).rejects.toEqual(
      failing("DATASET_CHANGED"),
    );
    expect(await kept()).toEqual([]);
  });

  const real = process.env.NCF_ML_LATEST_SMALL;
  it.skipIf(real === undefined)(
    "is accepted with the ratings.csv that is expected (needs NCF_ML_LATEST_SMALL)",
    async () => {
      const zip = zipFile({ "ml-latest-small/ratings.csv": await readFile(path.join(real as string, "ratings.csv")) });
      const checksum = createHash("md5").update(zip).digest("hex");
      const baseUrl = await serve((response) => response.end(zip), checksum);
      const found = await downloadDataset("ml-latest-small", { folder: cache(), baseUrl });
      expect(found.cached).toBe(false);
    },
  );
});

describe("the list of data sets", () => {
  it("has terms, a link to them and a citation for each", () => {
    expect(publishedDatasets.map(({ name }) => name)).toEqual([
      "ml-latest-small",
      "ml-100k",
      "ml-1m",
      "ml-10m",
      "ml-20m",
      "ml-25m",
      "ml-32m",
    ]);
    for (const { name, terms, readmeUrl, citation } of publishedDatasets) {
      expect(terms).toContain("commercial");
      expect(readmeUrl).toContain(`${name}-README`);
      expect(citation).toContain("https://doi.org/10.1145/2827872");
    }
  });
});
