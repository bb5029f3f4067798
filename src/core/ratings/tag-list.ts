/** What people call items: MovieLens's `tags.csv` and `tags.dat`, with user, item, tag and time. */
import { numericId } from "../ids.ts";
import type { ItemDetails, RejectedRows } from "../ratings.ts";
import { splitRecord } from "./delimited.ts";
import { type ItemListFormat, unusableItemId } from "./item-list.ts";
import { Rejects } from "./rejects.ts";
import { textRecords } from "./text-records.ts";

const comma = 44;

/** Tags of fewer items are left out: there are thousands of them, and they tell next to nothing of other items. */
const fewestItems = 10;

/**
 * The items with the tags that somebody gave them, in lower case and alphabetical order. A vertical bar, which separates
 * tags in our own files, becomes a blank.
 */
export function withTags(
  items: readonly ItemDetails[],
  bytes: Uint8Array,
  format: Exclude<ItemListFormat, "u-item">,
): { items: ItemDetails[]; rejected: RejectedRows[] } {
  const rejects = new Rejects();
  const itemsOf = new Map<string, Set<number>>();
  const isCsv = format === "movies-csv";
  for (const { line, text } of textRecords(bytes, isCsv ? comma : -1)) {
    if (text.trim() === "" || (line === 1 && /^"?userid/i.test(text))) continue;
    const parsed = parseTag(text, isCsv ? "," : "::", isCsv);
    if (typeof parsed === "string") rejects.add(`tags: ${parsed}`, line, text);
    else itemsOf.set(parsed.tag, (itemsOf.get(parsed.tag) ?? new Set()).add(parsed.item));
  }
  const tagsOf = new Map<number, string[]>();
  const common = [...itemsOf].filter(([, tagged]) => tagged.size >= fewestItems).sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [tag, tagged] of common) for (const id of tagged) tagsOf.set(id, [...(tagsOf.get(id) ?? []), tag]);
  const withOwn = items.map((item): ItemDetails => {
    const tags = tagsOf.get(item.id);
    return tags === undefined ? item : { ...item, tags };
  });
  return { items: withOwn, rejected: rejects.rows() };
}

function parseTag(text: string, separator: string, quoted: boolean): { item: number; tag: string } | string {
  const fields = splitRecord(text, separator, quoted);
  if (fields === undefined) return "a quote is out of place or not closed";
  if (fields.length < 4) return "expected at least 4 fields";
  const tag = fields.slice(2, -1).join(separator).toLowerCase().replaceAll("|", " ");
  if (tag === "") return "the tag is empty";
  return unusableItemId(fields[1]) ?? { item: numericId(fields[1]), tag };
}
