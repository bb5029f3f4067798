/** Writes docs/report.schema.json: `npx tsx scripts/write-report-schema.ts`. A test checks that it is current. */
import { writeFileSync } from "node:fs";
import { reportJsonSchema } from "../src/app/report/report.ts";

writeFileSync(new URL("../docs/report.schema.json", import.meta.url), reportJsonSchema());
