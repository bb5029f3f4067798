import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseReport, reportJsonSchema } from "../../../src/app/report/report.ts";
import { neumf, paper, popularity, reportOf } from "./report-fixtures.ts";

const report = reportOf([neumf, paper, popularity]);

describe("report.json", () => {
  it("comes back unchanged from its JSON", () => {
    expect(parseReport(JSON.parse(JSON.stringify(report)))).toEqual(report);
  });

  it("keeps the field names that readers rely on", () => {
    const json = JSON.parse(JSON.stringify(report));
    for (const name of ["dataset", "protocol", "leakage", "timings", "peakRssBytes", "models"]) {
      expect(json).toHaveProperty(name);
    }
    for (const path of [
      "name",
      "cases",
      "hrAt10",
      "hrAt10Interval",
      "hrAt10Optimistic",
      "hrAt10Pessimistic",
      "ndcgAt10",
      "fullCatalogue.cases",
      "fullCatalogue.hrAt10",
      "fullCatalogue.ndcgAt10",
      "byActivity",
      "versusPopularity.difference",
      "versusPopularity.pValue",
    ]) {
      expect(json.models[0]).toHaveProperty(path);
    }
  });

  it("is refused with the field's name where a field is wrong", () => {
    const wrong = { ...report, models: [{ ...neumf, hrAt10: 1.2 }] };
    expect(() => parseReport(wrong)).toThrowError(
      expect.objectContaining({ code: "REPORT_INVALID", message: expect.stringContaining("models.0.hrAt10") }),
    );
  });

  it("is refused when written in another format version", () => {
    expect(() => parseReport({ ...report, formatVersion: 2 })).toThrowError(/formatVersion/);
    expect(() => parseReport(null)).toThrowError(/the document/);
  });

  it("has its current JSON schema in docs (npx tsx scripts/write-report-schema.ts)", () => {
    const documented = readFileSync(new URL("../../../docs/report.schema.json", import.meta.url), "utf8");
    expect(JSON.parse(documented)).toEqual(JSON.parse(reportJsonSchema()));
  });
});
