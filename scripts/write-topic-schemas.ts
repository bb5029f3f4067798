/** Writes docs/schemas: `npx tsx scripts/write-topic-schemas.ts && npm run format`. A test checks that they are current. */
import { mkdirSync, writeFileSync } from "node:fs";
import { topicJsonSchemas } from "../src/app/topics/topic-schemas.ts";

const folder = new URL("../docs/schemas/", import.meta.url);
mkdirSync(folder, { recursive: true });
for (const [topic, schema] of topicJsonSchemas()) writeFileSync(new URL(`${topic}.schema.json`, folder), schema);
