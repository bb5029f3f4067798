import type { RejectedRows } from "../ratings.ts";

const maxExamples = 20;
const maxExampleCharacters = 120;

/** Rows that cannot be used, by reason. */
export class Rejects {
  readonly #kinds = new Map<string, { count: number; examples: { line: number; text: string }[] }>();

  add(reason: string, line: number, text: string): void {
    const kind = this.#kinds.get(reason) ?? { count: 0, examples: [] };
    this.#kinds.set(reason, kind);
    kind.count++;
    if (kind.examples.length < maxExamples) kind.examples.push({ line, text: text.slice(0, maxExampleCharacters) });
  }

  /** In order of first appearance. */
  rows(): RejectedRows[] {
    return [...this.#kinds].map(([reason, kind]) => ({ reason, ...kind }));
  }
}
