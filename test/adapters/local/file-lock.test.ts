import { link, mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FileLock, type LockHolder, tryFileLock, withFileLock } from "../../../src/adapters/local/file-lock.ts";
import { startChild } from "./child-process.ts";

vi.mock("node:fs/promises", async (original) => {
  const real = await original<typeof import("node:fs/promises")>();
  return { ...real, link: vi.fn(real.link) };
});

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "ncf-lock-"));
  file = path.join(folder, "lock");
});
afterEach(() => rm(folder, { recursive: true }));

const holderNow = async (): Promise<LockHolder> => JSON.parse(await readFile(file, "utf8"));
const leave = (holder: Partial<LockHolder>) => writeFile(file, JSON.stringify(holder));
const ageBy = (ms: number) => utimes(file, new Date(Date.now() - ms), new Date(Date.now() - ms));

/** What a lock of this very process looks like. */
async function ownHolder(): Promise<LockHolder> {
  const lock = await tryFileLock(file);
  const holder = await holderNow();
  if (lock instanceof FileLock) await lock.release();
  return holder;
}

/** The id of a process that has ended. */
async function endedPid(): Promise<number> {
  const child = startChild(new URL("./children/nothing.ts", import.meta.url), []);
  await child.ended;
  return child.process.pid ?? 0;
}

describe("a lock file", () => {
  it("is held by one at a time, and leaves nothing behind", async () => {
    let [inside, most, done] = [0, 0, 0];
    const task = async () => {
      inside++;
      most = Math.max(most, inside);
      await new Promise((resolve) => setTimeout(resolve, 1));
      inside--;
      done++;
    };
    await Promise.all(Array.from({ length: 20 }, () => withFileLock(file, task)));
    expect([most, done]).toEqual([1, 20]);
    expect(await readdir(folder)).toEqual([]);
  });

  it("is given back when the task fails", async () => {
    const failing = withFileLock(file, async () => {
      throw new Error("the task failed");
    });
    await expect(failing).rejects.toThrow("the task failed");
    expect(await withFileLock(file, async () => "next")).toBe("next");
  });

  it("names its holder to one who waits in vain", async () => {
    const lock = await tryFileLock(file);
    const waiting = withFileLock(file, async () => "never", 30);
    await expect(waiting).rejects.toMatchObject({ code: "LOCK_NOT_FREED", retriable: true });
    await expect(waiting).rejects.toThrow(`process ${process.pid}`);
    expect(lock).toBeInstanceOf(FileLock);
  });

  it("ends with its holder's process", async () => {
    const own = await ownHolder();
    await leave({ ...own, token: "00000000deadbeef", pid: await endedPid() });
    expect(await withFileLock(file, async () => "taken", 0)).toBe("taken");
    expect(await readdir(folder)).toEqual([]);
  });

  it.runIf(process.platform === "linux")("ends with its holder's process though another has its id now", async () => {
    const own = await ownHolder();
    await leave({ ...own, token: "00000000deadbeef", started: "1" });
    expect(await withFileLock(file, async () => "taken", 0)).toBe("taken");
  });

  it.runIf(process.platform === "linux")("stays with a process that is there, however old it is", async () => {
    const lock = await tryFileLock(file);
    await ageBy(3_600_000);
    expect(await tryFileLock(file)).toMatchObject({ pid: process.pid });
    expect(lock).toBeInstanceOf(FileLock);
  });

  it("of another machine ends a minute after its last sign of life, not before", async () => {
    await leave({ token: "00000000deadbeef", pid: process.pid, machine: "elsewhere  ", started: "1" });
    await ageBy(50_000);
    expect(await tryFileLock(file)).toMatchObject({ machine: "elsewhere  " });
    await ageBy(61_000);
    expect(await withFileLock(file, async () => "taken", 0)).toBe("taken");
  });

  it("that is no lock at all ends after a minute", async () => {
    await writeFile(file, "something else");
    expect(await tryFileLock(file)).toMatchObject({ pid: 0 });
    await ageBy(61_000);
    expect(await withFileLock(file, async () => "taken", 0)).toBe("taken");
  });

  it("left by the dead is taken by one of many, even if the one who was about to remove it died too", async () => {
    const own = await ownHolder();
    const pid = await endedPid();
    await leave({ ...own, token: "00000000deadbeef", pid });
    await writeFile(`${file}.00000000deadbeef.gone.tmp`, JSON.stringify({ ...own, token: "00000000deadbee2", pid }));
    const found = await Promise.all(Array.from({ length: 20 }, () => tryFileLock(file)));
    expect(found.filter((lock) => lock instanceof FileLock)).toHaveLength(1);
    expect(await readdir(folder)).toEqual(["lock"]);
  });

  it("is not removed by a former holder from whom it was taken", async () => {
    const former = await tryFileLock(file);
    await leave({ token: "00000000deadbeef", pid: process.pid, machine: "elsewhere  ", started: "1" });
    if (former instanceof FileLock) await former.release();
    expect(await holderNow()).toMatchObject({ token: "00000000deadbeef" });
  });

  it("says so where the file system has no hard links, and leaves nothing behind", async () => {
    vi.mocked(link).mockRejectedValueOnce(
      Object.assign(new Error("EPERM: operation not permitted"), { code: "EPERM" }),
    );
    const refused = { code: "LOCK_UNSUPPORTED", message: expect.stringContaining("local disk") };
    await expect(tryFileLock(file)).rejects.toMatchObject(refused);
    expect(await readdir(folder)).toEqual([]);
  });
});
