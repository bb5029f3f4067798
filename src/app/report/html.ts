/** HTML text that cannot be mixed up with plain text: whatever is put into a template is escaped. */

/** Text that is HTML already. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type HtmlPart = Html | string | number | null | readonly HtmlPart[];

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** The text with all characters escaped that mean something in element content or a quoted attribute. */
export function escapeHtml(text: string): string {
  // Control characters other than tab and line ends are no valid HTML at all.
  return text.replace(/[&<>"']/g, (c) => entities[c]).replace(/[^\P{Cc}\t\n\r]/gu, "\ufffd");
}

/** Template tag: literal parts stand as they are, values are escaped, arrays joined, null is nothing. */
export function html(literals: TemplateStringsArray, ...values: readonly HtmlPart[]): Html {
  let text = literals[0];
  values.forEach((value, index) => {
    text += partText(value) + literals[index + 1];
  });
  return new Html(text);
}

function partText(part: HtmlPart): string {
  if (part === null) return "";
  if (part instanceof Html) return part.text;
  if (typeof part === "object") return part.map(partText).join("");
  return escapeHtml(String(part));
}

/** Plain text as running prose is set: numbers stay on one line with their signs, apostrophes are curved. */
export function prose(text: string): string {
  return text
    .replace(/(\d) (?=%)/g, "$1\u00a0")
    .replace(/\bp ([<=]) (?=\d)/g, "p\u00a0$1\u00a0")
    .replace(/(\p{L})'(?=s\b)/gu, "$1\u2019");
}
