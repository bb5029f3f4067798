import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { KafkaInteractionLog } from "../../src/adapters/kafka/kafka-interaction-log.ts";
import { windowHeader, windowLine } from "../../src/app/windows-text.ts";
import { WindowLines } from "../../src/cli/window-lines.ts";
import type { WindowReport } from "../../src/streaming/window-report.ts";
import { reportWith } from "../app/http-api/window-reports.ts";
import { ncf, startNcf } from "./ncf.ts";

const hour = 3_600_000;
const windowOf = (changes: Partial<WindowReport>): WindowReport =>
  reportWith({ startMs: 13 * hour, endMs: 14 * hour, cases: 12, users: 3, hrAt10: 0.5, ...changes });

describe("lines of windows", () => {
  const printed = (reports: readonly WindowReport[], { isTTY = false, json = false } = {}) => {
    let text = "";
    const lines = new WindowLines({ isTTY, columns: 60, write: (more) => (text += more) }, json);
    for (const report of reports) lines.onReport(report);
    lines.clear();
    return text;
  };
  const open = windowOf({ final: false, cases: 5 });
  const final = windowOf({});
  const revised = windowOf({ revision: 1, cases: 14 });

  it("are those of final and revised windows in a log", () => {
    const text = printed([open, final, open, revised]);
    expect(text).toBe(`${windowHeader}\n${windowLine(final)}\n${windowLine(revised)}\n`);
    expect(windowLine(final)).toMatch(/^1970-01-01 13:00 +12 +3 +0\.500/);
    expect(windowLine(revised)).toMatch(/ {2}\(revision 1\)$/);
    expect(windowLine(windowOf({ startMs: 0 }))).toMatch(/^ {6}1970-01-01 /);
  });

  it("show open windows in their place on a terminal, cut to its width", () => {
    const cut = windowLine(open).slice(0, 59);
    const back = "\r\x1b[2K";
    expect(printed([open, open, final], { isTTY: true })).toBe(
      `${windowHeader}\n${cut}${back}${cut}${back}${windowLine(final)}\n`,
    );
    expect(printed([open], { isTTY: true })).toBe(`${windowHeader}\n${cut}${back}`);
  });

  it("are a JSON document each, on request", () => {
    const lines = printed([open, final], { json: true }).trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line))).toEqual([open, final]);
  });

  it("tell how a challenger does", () => {
    const challenger = { version: "v2", cases: 9, users: 3, hrAt10: 0.6, championHrAt10: 0.5 };
    const line = windowLine(
      windowOf({ challenger: { ...challenger, difference: 0.1, differenceInterval: [-0.02, 0.22] } }),
    );
    expect(line).toMatch(/ {2}v2 \+10\.0 points \[−2\.0, \+22\.0\]$/);
    const none = windowOf({ challenger: { ...challenger, difference: null, differenceInterval: null } });
    expect(windowLine(none)).toMatch(/ {2}v2 has no case yet$/);
  });
});

describe("ncf windows --follow", () => {
  it("wants a stream or a folder, and not both", async () => {
    const [neither, both, unnamed] = await Promise.all([
      ncf(["windows"]),
      ncf(["windows", "out", "--follow", "--brokers", "127.0.0.1:1"]),
      ncf(["windows", "--follow"], { NCF_KAFKA_BROKERS: "" }),
    ]);
    expect([neither, both, unnamed].map(({ code }) => code)).toEqual([2, 2, 2]);
    expect([neither.stderr, both.stderr].join()).toMatch(/found neither[\s\S]*found both/);
    expect(unnamed.stderr).toContain("--brokers");
  });

  it("says within seconds that it waits for the brokers, and ends with 0 when it is told to stop", async () => {
    const { child, outcome, stderrHas } = startNcf(["windows", "--follow", "--brokers", "127.0.0.1:1"]);
    await stderrHas("Waiting for the windows' log");
    child.kill("SIGTERM");
    const { code, stdout, stderr } = await outcome;
    expect([code, stdout]).toEqual([0, ""]);
    expect(stderr.match(/Waiting for/g)).toHaveLength(1);
  });
});

const broker = process.env.NCF_KAFKA || undefined;
const noBroker = "set NCF_KAFKA to HOST:PORT of a broker";
if (broker === undefined && process.env.CI_REQUIRE_SERVICES === "1") {
  it("finds a Kafka broker, as CI_REQUIRE_SERVICES=1 demands", () => expect.fail(noBroker));
}

describe.skipIf(broker === undefined)(`on Kafka${broker === undefined ? ` (${noBroker})` : ""}`, () => {
  it("prints windows as they come, from a topic that is made while it waits", async () => {
    const topic = `windows-${randomUUID()}`;
    const follow = ["windows", "--follow", "--brokers", broker ?? "", "--windows-topic", topic];
    const [text, json] = [startNcf(follow), startNcf([...follow, "--json"])];
    await Promise.all([text, json].map(({ stderrHas }) => stderrHas(`Waiting for topic ${topic}`)));
    const lines = async ({ child }: typeof text, count: number): Promise<void> => {
      let seen = 0;
      await new Promise<void>((resolve) =>
        child.stdout?.on("data", (chunk) => {
          seen += String(chunk).split("\n").length - 1;
          if (seen >= count) resolve();
        }),
      );
    };
    const printed = Promise.all([lines(text, 3), lines(json, 3)]);
    const log = await KafkaInteractionLog.open({ brokers: [broker ?? ""] });
    const reports = [windowOf({ final: false }), windowOf({}), windowOf({ revision: 1 })];
    try {
      await log.createTopic(topic, 1, { cleanup: "compact" });
      const encoder = new TextEncoder();
      const records = reports.map((report) => ({
        key: String(report.startMs),
        value: encoder.encode(JSON.stringify(report)),
      }));
      await log.append(topic, records);
    } finally {
      await log.close();
    }
    await printed;
    for (const { child } of [text, json]) child.kill("SIGINT");
    const outcomes = await Promise.all([text.outcome, json.outcome]);
    expect(outcomes.map(({ code }) => code)).toEqual([0, 0]);
    expect(outcomes[0].stdout).toBe(`${[windowHeader, ...reports.slice(1).map(windowLine)].join("\n")}\n`);
    expect(
      outcomes[1].stdout
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toEqual(reports);
  });
});
