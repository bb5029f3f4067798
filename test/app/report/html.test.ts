import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { escapeHtml, html, prose } from "../../../src/app/report/html.ts";

describe("the HTML template", () => {
  it("escapes what is put in and leaves its own parts as they are", () => {
    expect(html`<p title="${`a"b'c`}">${"<b>&"}</p>`.text).toBe('<p title="a&quot;b&#39;c">&lt;b&gt;&amp;</p>');
  });

  it("nests without escaping twice, joins lists and leaves out null", () => {
    const items = ["<", ">"].map((text) => html`<li>${text}</li>`);
    expect(html`<ul>${items}${null}${3}</ul>`.text).toBe("<ul><li>&lt;</li><li>&gt;</li>3</ul>");
  });

  it("lets no text open a tag, close a quote or carry a control character", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary-ascii" }), (text) => !/[<>"']|[^\P{Cc}\t\n\r]/u.test(escapeHtml(text))),
    );
  });
});

describe("prose", () => {
  it("keeps numbers with their signs and curves apostrophes", () => {
    expect(prose("popularity's 12 % (p < 0.001)")).toBe("popularity’s 12\u00a0% (p\u00a0<\u00a00.001)");
  });
});
