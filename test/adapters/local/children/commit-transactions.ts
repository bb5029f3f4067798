/**
 * FOLDER BYTES: goes on committing transaction n, n + 1, …, each with five records of so many bytes in `outcomes`, one in
 * `window-partials` and the offset n + 1, and one append to `interactions` without sync; prints n when all is acknowledged.
 */
import { FileInteractionLog } from "../../../../src/adapters/local/file-interaction-log.ts";

const [folder, bytes] = process.argv.slice(2);
const log = await FileInteractionLog.open(folder);
await log.createTopic("interactions", 1);
await log.createTopic("outcomes", 3);
await log.createTopic("window-partials", 1);
const producer = await log.openProducer("p0");
const text = (content: string) => new TextEncoder().encode(content);
for (let n = (await log.committed("group", "interactions", 0))?.offset ?? 0; ; n++) {
  const appended = log.append("interactions", [{ key: "u", value: text(String(n)) }], { durable: false });
  await producer.commit({
    records: [
      ...[0, 1, 2, 3, 4].map((part) => ({
        topic: "outcomes",
        key: `${n}/${part}`,
        value: text(`${n}/${part} `.padEnd(Number(bytes), "x")),
      })),
      { topic: "window-partials", key: null, value: text(String(n)) },
    ],
    offsets: [{ group: "group", topic: "interactions", partition: 0, offset: n + 1, metadata: `${n}` }],
  });
  await appended;
  console.log(n);
}
