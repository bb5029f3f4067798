import { describe, expect, it } from "vitest";
import { streamProgress } from "../../src/cli/progress.ts";

/** A stream that keeps what is written, beside a clock that the test moves. */
function bench(options: { isTTY?: boolean; columns?: number; plainIntervalMs?: number } = {}) {
  const written: string[] = [];
  const { plainIntervalMs = 5_000, ...shape } = options;
  const clock = { ms: 1_000_000 };
  const stream = { ...shape, write: (text: string) => written.push(text) };
  const progress = streamProgress(stream, { nowMs: () => clock.ms, plainIntervalMs });
  const wait = (ms: number): void => {
    clock.ms += ms;
  };
  return { written, text: () => written.join(""), progress, wait };
}

const esc = "\x1b";

describe("progress on a terminal", () => {
  it("redraws one line with bar, share, rate, time left and note", () => {
    const { written, progress, wait } = bench({ isTTY: true, columns: 120 });
    const task = progress.start("Training neumf", 1_000_000, "samples");
    wait(1_000);
    task.update(250_000, "loss 0.213");
    const line = written.at(-1) ?? "";
    expect(line.startsWith(`\r${esc}[2K`)).toBe(true);
    expect(line).toContain("██████░░░░░░░░░░░░░░░░░░");
    expect(line).toContain(" 25 %  250 k samples/s  0:03 left  loss 0.213");
    expect(line).not.toContain("\n");
  });

  it("redraws at most about twelve times a second", () => {
    const { written, progress, wait } = bench({ isTTY: true });
    const task = progress.start("Reading", 1_000, "rows");
    const before = written.length;
    for (let i = 1; i <= 1_000; i++) {
      wait(1);
      task.update(i);
    }
    expect(written.length - before).toBeGreaterThan(8);
    expect(written.length - before).toBeLessThanOrEqual(13);
  });

  it.each([20, 40, 60, 80, 200])("keeps the line within %i columns", (columns) => {
    const { written, progress, wait } = bench({ isTTY: true, columns });
    const task = progress.start("Training a model with a rather long name", 10_000_000, "samples");
    wait(20_000);
    task.update(123_456, "epoch 3 of 10, loss 0.2134");
    const visible = (written.at(-1) ?? "").replaceAll(`\r${esc}[2K`, "");
    expect(visible.length).toBeLessThan(columns);
  });

  it("hides the cursor while it works and shows it at the end", () => {
    const { text, progress } = bench({ isTTY: true });
    const task = progress.start("Judging", 10);
    expect(text()).toContain(`${esc}[?25l`);
    expect(text()).not.toContain(`${esc}[?25h`);
    task.end();
    expect(text().endsWith(`\n${esc}[?25h`)).toBe(true);
  });

  it("keeps the cursor hidden until the last of two tasks ends", () => {
    const { text, progress } = bench({ isTTY: true });
    const outer = progress.start("Run");
    const inner = progress.start("Reading");
    inner.end();
    expect(text()).not.toContain(`${esc}[?25h`);
    outer.end();
    expect(text()).toContain(`${esc}[?25h`);
  });

  it("restores the cursor once when closed in the middle and ignores what comes after", () => {
    const { text, written, progress, wait } = bench({ isTTY: true });
    const task = progress.start("Training", 100, "samples");
    progress.close();
    expect(text().endsWith(`\n${esc}[?25h`)).toBe(true);
    const count = written.length;
    progress.close();
    wait(10_000);
    task.update(50);
    task.end("done");
    progress.start("Judging").end();
    expect(written.length).toBe(count);
  });

  it("counts a resumed task's speed from where it resumed", () => {
    const { written, progress, wait } = bench({ isTTY: true, columns: 120 });
    const task = progress.start("Training", 1_000_000, "samples");
    task.update(900_000);
    wait(1_000);
    task.update(910_000);
    expect(written.at(-1)).toContain(" 91 %  10 k samples/s  0:09 left");
  });

  it("follows a machine that slows down", () => {
    const { written, progress, wait } = bench({ isTTY: true, columns: 120 });
    const task = progress.start("Training", 10_000_000, "samples");
    let done = 0;
    for (let second = 0; second < 60; second++) {
      wait(1_000);
      done += second < 40 ? 100_000 : 10_000;
      task.update(done);
    }
    expect(written.at(-1)).toContain("10 k samples/s");
  });

  it("shows what was counted where the total is unknown, without a bar or time left", () => {
    const { written, progress, wait } = bench({ isTTY: true, columns: 120 });
    const task = progress.start("Reading", undefined, "rows");
    wait(2_000);
    task.update(3_000_000);
    expect(written.at(-1)).toContain("3.0 M rows  1.5 M rows/s");
    expect(written.at(-1)).not.toMatch(/█|░|left|%/);
  });
});

describe("progress without a terminal", () => {
  it("writes plain lines, the first after the interval and then at most one an interval", () => {
    const { written, progress, wait } = bench({ plainIntervalMs: 5_000 });
    const task = progress.start("Training neumf", 60_000, "samples");
    for (let second = 1; second <= 12; second++) {
      wait(1_000);
      task.update(second * 1_000, "loss 0.5");
    }
    expect(written).toEqual([
      "Training neumf: 8 %, 1.0 k samples/s, 0:55 left, loss 0.5\n",
      "Training neumf: 16 %, 1.0 k samples/s, 0:50 left, loss 0.5\n",
    ]);
  });

  it("ends with time, amount, rate and note, without a control sequence", () => {
    const { text, progress, wait } = bench();
    const task = progress.start("Reading ratings", 100_836, "rows");
    wait(500);
    task.update(100_836);
    task.end("3 rejected");
    expect(text()).toBe("Reading ratings               0.50 s  100,836 rows  202 k rows/s  3 rejected\n");
    expect(text()).not.toContain(esc);
  });

  it("writes an end once, and nothing for updates after it", () => {
    const { written, progress, wait } = bench();
    const task = progress.start("Judging");
    task.end();
    task.end();
    wait(60_000);
    task.update(1);
    expect(written).toHaveLength(1);
  });

  it("takes control characters out of labels and notes", () => {
    const { text, progress } = bench();
    progress.start(`evil${esc}[2J\nname`).end(`note${esc}[31m`);
    expect(text().replace(/\n$/, "")).not.toMatch(/\p{Cc}/u);
  });
});
