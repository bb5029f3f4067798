/**
 * A job queue in a folder that several processes share and that outlives them.
 *
 * One file a job: its content is the body, its name says all the rest (`<id>,<visible at ms>,<deliveries>,<receipt>.job`).
 * So every change of state is a rename, of which only one of several racing processes can be the winner, and a process
 * may be killed at any moment. A job is synced when it is sent; a delivery or deletion that a power failure undoes
 * comes back as one more delivery.
 */
import { randomBytes } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, unlink } from "node:fs/promises";
import path from "node:path";
import { NcfError } from "../../core/errors.ts";
import {
  checkJobBody,
  checkReceiveOptions,
  checkVisibilitySeconds,
  type JobCounts,
  type JobMessage,
  type JobQueue,
  jobLeaseLost,
  type ReceiveOptions,
} from "../../ports/job-queue.ts";
import { hasCode, removeIfAbandoned, syncFolder } from "./durable-files.ts";
import { checkMaxReceives, type LocalJobQueueOptions, receiveWaiting } from "./local-job-queue.ts";

interface JobFile {
  readonly name: string;
  readonly id: string;
  readonly visibleAtMs: number;
  readonly receiveCount: number;
  readonly receipt: string;
}

const jobSuffix = ".job";
const draftSuffix = ".tmp";
const deadLetterFolder = "dead-letters";

export class FileJobQueue implements JobQueue {
  readonly deadLetters: FileJobQueue | null;
  readonly #folder: string;
  readonly #maxReceives: number;
  readonly #nowMs: () => number;
  #sent = 0;

  /** @param folder made when the first job is sent; the processes that share it give the same options */
  constructor(folder: string, { maxReceives, nowMs = Date.now }: LocalJobQueueOptions) {
    this.#folder = path.resolve(folder);
    checkMaxReceives(maxReceives);
    this.#maxReceives = maxReceives === "never" ? Number.POSITIVE_INFINITY : maxReceives;
    this.#nowMs = nowMs;
    this.deadLetters =
      maxReceives === "never"
        ? null
        : new FileJobQueue(path.join(folder, deadLetterFolder), { maxReceives: "never", nowMs });
  }

  async send(body: string): Promise<string> {
    checkJobBody(body);
    this.#sent += 1;
    // Sorts by time of sending, and for one sender by order.
    const order = [this.#nowMs(), this.#sent].map((number) => String(number).padStart(14, "0")).join("-");
    const id = `${order}-${randomBytes(6).toString("hex")}`;
    try {
      await mkdir(this.#folder, { recursive: true });
      const draft = path.join(this.#folder, `${id}${draftSuffix}`);
      const file = await open(draft, "wx");
      try {
        await file.writeFile(body);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(draft, path.join(this.#folder, nameOf({ id, visibleAtMs: 0, receiveCount: 0, receipt: "" })));
      await syncFolder(this.#folder);
      return id;
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new NcfError(
        "JOB_NOT_SENT",
        `could not write a job to ${this.#folder}: ${reason}. Choose a folder that can be written`,
        {
          cause,
        },
      );
    }
  }

  async receive(options: ReceiveOptions): Promise<JobMessage[]> {
    checkReceiveOptions(options);
    return receiveWaiting(() => this.#take(options), options, this.#nowMs);
  }

  async extend(receipt: string, seconds: number): Promise<void> {
    checkVisibilitySeconds(seconds);
    for (;;) {
      const job = await this.#delivered(receipt);
      if (job === undefined || job.visibleAtMs <= this.#nowMs()) throw jobLeaseLost(receipt);
      // Fails where the file was renamed meanwhile, perhaps by an extension of the same receiver: look again.
      if (await this.#rename(job, { ...job, visibleAtMs: this.#nowMs() + 1000 * seconds })) return;
    }
  }

  async delete(receipt: string): Promise<void> {
    for (;;) {
      const job = await this.#delivered(receipt);
      if (job === undefined || (await done(() => unlink(path.join(this.#folder, job.name))))) return;
    }
  }

  async counts(): Promise<JobCounts> {
    const jobs = await this.#jobs();
    const ready = jobs.filter(({ visibleAtMs }) => visibleAtMs <= this.#nowMs()).length;
    const deadLetters = (await this.deadLetters?.counts()) ?? { ready: 0, inFlight: 0 };
    return { ready, inFlight: jobs.length - ready, deadLetters: deadLetters.ready + deadLetters.inFlight };
  }

  async #take({ max = 1, visibilityTimeoutSeconds }: ReceiveOptions): Promise<JobMessage[]> {
    const taken: JobMessage[] = [];
    for (const job of await this.#jobs()) {
      if (taken.length === max) break;
      if (job.visibleAtMs > this.#nowMs()) continue;
      if (job.receiveCount >= this.#maxReceives) {
        await this.#bury(job);
        continue;
      }
      const message = await this.#claim(job, visibilityTimeoutSeconds);
      if (message !== null) taken.push(message);
    }
    return taken;
  }

  /** Null when another process has it. */
  async #claim(job: JobFile, visibilityTimeoutSeconds: number): Promise<JobMessage | null> {
    const claimed = {
      id: job.id,
      visibleAtMs: this.#nowMs() + 1000 * visibilityTimeoutSeconds,
      receiveCount: job.receiveCount + 1,
      receipt: randomBytes(12).toString("hex"),
    };
    if (!(await this.#rename(job, claimed))) return null;
    try {
      const body = await readFile(path.join(this.#folder, nameOf(claimed)), "utf8");
      return { id: job.id, body, receipt: claimed.receipt, receiveCount: claimed.receiveCount };
    } catch (cause) {
      // With a visibility of next to nothing, somebody else has it by now.
      if (hasCode(cause, "ENOENT")) return null;
      throw cause;
    }
  }

  async #bury(job: JobFile): Promise<void> {
    const folder = path.join(this.#folder, deadLetterFolder);
    await mkdir(folder, { recursive: true });
    const dead = nameOf({ id: job.id, visibleAtMs: 0, receiveCount: 0, receipt: "" });
    if (await done(() => rename(path.join(this.#folder, job.name), path.join(folder, dead)))) await syncFolder(folder);
  }

  #rename(job: JobFile, state: Omit<JobFile, "name">): Promise<boolean> {
    return done(() => rename(path.join(this.#folder, job.name), path.join(this.#folder, nameOf(state))));
  }

  async #delivered(receipt: string): Promise<JobFile | undefined> {
    return (await this.#jobs()).find((job) => job.receipt === receipt && job.receiveCount > 0);
  }

  /** In the order of sending. */
  async #jobs(): Promise<JobFile[]> {
    const names = await readdir(this.#folder).catch((cause) => {
      if (hasCode(cause, "ENOENT")) return [];
      throw cause;
    });
    const drafts = names.filter((name) => name.endsWith(draftSuffix));
    await Promise.all(drafts.map((name) => removeIfAbandoned(path.join(this.#folder, name))));
    return names.flatMap(jobFileNamed).sort((a, b) => (a.id < b.id ? -1 : 1));
  }
}

function nameOf({ id, visibleAtMs, receiveCount, receipt }: Omit<JobFile, "name">): string {
  return `${[id, visibleAtMs, receiveCount, receipt].join(",")}${jobSuffix}`;
}

function jobFileNamed(name: string): JobFile[] {
  const parts = name.slice(0, -jobSuffix.length).split(",");
  if (!name.endsWith(jobSuffix) || parts.length !== 4) return [];
  const [id, visibleAtMs, receiveCount, receipt] = parts;
  return [{ name, id, visibleAtMs: Number(visibleAtMs), receiveCount: Number(receiveCount), receipt }];
}

/** False when the file is not there any more: another process was first. */
async function done(change: () => Promise<void>): Promise<boolean> {
  try {
    await change();
    return true;
  } catch (cause) {
    if (hasCode(cause, "ENOENT")) return false;
    throw cause;
  }
}
