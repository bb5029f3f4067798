/** Names may come from a file: a control character in one could move the cursor or change colours. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}+/gu, " ");
}
