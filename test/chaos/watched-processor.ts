/** What a processor answers over HTTP while it runs, and how much memory it has taken. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { Processor } from "./stand.ts";

interface Health {
  readonly status: string;
  readonly waiting: readonly { readonly who: string; readonly because: string }[];
}

const lookEveryMs = 200;

export class WatchedProcessor {
  readonly #processor: Processor;
  readonly #url: string;
  readonly #ended = new AbortController();
  #peakBytes = 0;

  /** Once it is assigned its work. */
  static async of(processor: Processor): Promise<WatchedProcessor> {
    await processor.stderrHas("Assigned");
    const [, url] = /(http:\S+)\/health/.exec(processor.said()) ?? [];
    return new WatchedProcessor(processor, url ?? expect.fail(`no address in: ${processor.said()}`));
  }

  private constructor(processor: Processor, url: string) {
    this.#processor = processor;
    this.#url = url;
    void this.#watch();
  }

  /** The most memory (RSS) that it had at once since the last call, in MB. */
  takePeakMb(): number {
    const peakMb = this.#peakBytes / 1e6;
    this.#peakBytes = 0;
    return peakMb;
  }

  async health(): Promise<Health> {
    return (await (await fetch(`${this.#url}/health`)).json()) as Health;
  }

  async isReady(): Promise<boolean> {
    return (await fetch(`${this.#url}/ready`)).status === 200;
  }

  async metric(name: string): Promise<number> {
    const text = await (await fetch(`${this.#url}/metrics`)).text();
    const [, value] = new RegExp(`^${name} (\\S+)$`, "m").exec(text) ?? [];
    return Number(value ?? expect.fail(`no metric ${name} in:\n${text}`));
  }

  /** @throws what the processor has said, when it does not come true in two minutes */
  async until(what: string, holds: () => Promise<boolean>): Promise<void> {
    for (const deadline = Date.now() + 120_000; !(await holds()); await sleep(lookEveryMs)) {
      if (Date.now() > deadline) expect.fail(`waited in vain until ${what}\n${this.#processor.said()}`);
    }
  }

  close(): void {
    this.#ended.abort();
  }

  async #watch(): Promise<void> {
    for (; !this.#ended.signal.aborted; await sleep(lookEveryMs)) {
      const bytes = await this.metric("process_resident_memory_bytes").catch(() => 0);
      this.#peakBytes = Math.max(this.#peakBytes, bytes);
    }
  }
}
