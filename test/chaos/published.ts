/** What a read_committed consumer sees of a stream's topics. */
import type { InteractionLog } from "../../src/ports/interaction-log.ts";

export interface OutputTopics {
  readonly outcomes: string;
  readonly late: string;
  readonly deadLetters: string;
  readonly windows: string;
}

/** The records by topic and partition, as text in their order; of windows, the final reports. */
export async function publishedRecords(log: InteractionLog, topics: OutputTopics): Promise<Record<string, string[]>> {
  const seen: Record<string, string[]> = {};
  for (const [name, topic] of Object.entries(topics)) {
    for (let partition = 0; partition < (await log.partitions(topic)); partition++) {
      const texts = await allTexts(log, topic, partition);
      seen[`${name} ${partition}`] = name === "windows" ? texts.filter((text) => JSON.parse(text).final) : texts;
    }
  }
  return seen;
}

async function allTexts(log: InteractionLog, topic: string, partition: number): Promise<string[]> {
  const texts: string[] = [];
  for (let offset = await log.startOffset(topic, partition); ; ) {
    const { records, nextOffset } = await log.read(topic, partition, offset, 1_000);
    if (nextOffset <= offset) return texts;
    for (const { value } of records) texts.push(new TextDecoder().decode(value ?? new Uint8Array()));
    offset = nextOffset;
  }
}
