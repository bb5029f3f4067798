/**
 * The page's style sheet. The models' colours begin with blue, vermilion and green of Okabe and Ito; the others lie as far from
 * these and from one another as can be, for readers with red-green blindness too, and all reach 4.5:1 as text.
 */
export const pageStyle = `
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ink: #17191c; --soft: #565b63; --hair: #dcdfe3; --grid: #e9ebee; --wash: #f4f5f7;
  --data: #5b6b80; --after: #b04a00; --bad: #a1260d; --banner: #ffd43b; --banner-ink: #1a1600;
  --pop: #4b5058;
  --c0: #0072b2; --c1: #b84a00; --c2: #00795a; --c3: #6d388c; --c4: #ae587f; --c5: #14297b; --c6: #6f1700; --c7: #552340; --c8: #953000;
  --serif: Charter, "Bitstream Charter", "Iowan Old Style", "Palatino Linotype", Palatino, "Source Serif 4", Georgia, "Liberation Serif", serif;
  --sans: system-ui, -apple-system, "Segoe UI", "Helvetica Neue", Arial, "Liberation Sans", sans-serif;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "Liberation Mono", monospace;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --paper: #121417; --ink: #e8e6e1; --soft: #a9adb4; --hair: #33383f; --grid: #262a30; --wash: #1b1e23;
    --data: #7389a6; --after: #f0945a; --bad: #ff9d85; --banner: #ffd43b; --banner-ink: #1a1600;
    --pop: #cfd3d8;
    --c0: #56b4e9; --c1: #e69f00; --c2: #00a878; --c3: #8884f5; --c4: #fcdc5a; --c5: #b97328; --c6: #e7b692; --c7: #9c7ebd; --c8: #068e84;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1.0625rem/1.6 var(--serif); overflow-wrap: break-word; }
.page { max-width: 62rem; margin: 0 auto; padding: 3.5rem 1.5rem 4rem; }

.verdict { padding-left: 13rem; }
.kicker { margin: 0 0 1.1rem; font: 0.875rem/1.4 var(--sans); color: var(--soft); overflow-wrap: anywhere; }
.kicker strong { color: var(--ink); font-weight: 600; }
h1 { margin: 0; font: 400 2.5rem/1.16 var(--serif); letter-spacing: -0.012em; text-wrap: balance; overflow-wrap: anywhere; }
.also { margin: 1.1rem 0 0; font-size: 1.1875rem; line-height: 1.5; max-width: 40rem; }
.also.loses { padding-left: 0.9rem; border-left: 3px solid var(--bad); }
.also + .also { margin-top: 0.6rem; }
.facts { margin: 1.3rem 0 0; font: 0.875rem/1.5 var(--sans); color: var(--soft); font-variant-numeric: tabular-nums; }

section { display: grid; grid-template-columns: 11rem minmax(0, 1fr); column-gap: 2rem; margin-top: 3.5rem; padding-top: 1.1rem; border-top: 1px solid var(--hair); }
section.hero { display: block; margin-top: 2.4rem; padding: 0 0 0 13rem; border: 0; }
h2 { margin: 0.15rem 0 0; font: 600 0.9375rem/1.35 var(--sans); }
h3 { margin: 2.2rem 0 0.3rem; font: 600 0.9375rem/1.35 var(--sans); }
.body { min-width: 0; }
.body > p { max-width: 40rem; }
.body > :first-child, .body > :first-child > :first-child, dl > :first-child > * { margin-top: 0; }
p { margin: 0.9rem 0; }
.note { font: 0.875rem/1.5 var(--sans); color: var(--soft); }

figure { margin: 1.8rem 0 0; }
.hero figure { margin: 0; }
figcaption { margin-bottom: 0.5rem; font: 0.875rem/1.5 var(--sans); color: var(--soft); max-width: 40rem; }
figcaption strong, figcaption .name { color: var(--ink); font-weight: 600; }
.pair, .panels { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 16.5rem), 1fr)); gap: 1.8rem 2.5rem; }
.pair > figure, .panels > figure { margin: 0; min-width: 0; }
.plot { padding: 0 1.2rem; }
.plot.named { padding: 0 11.5rem 0 2rem; }

svg { display: block; }
svg.chart { overflow: visible; font: 0.75rem var(--sans); font-variant-numeric: tabular-nums; }
svg.chart svg { overflow: visible; }
.grid { stroke: var(--grid); }
.axis { stroke: var(--hair); }
.reference { stroke: var(--pop); stroke-dasharray: 3 3; }
.tick { fill: var(--soft); }
.label { font-size: 0.8125rem; fill: var(--ink); paint-order: stroke; stroke: var(--paper); stroke-width: 6px; stroke-linejoin: round; }
.label .name { font-weight: 600; fill: var(--c); }
.value { font-size: 0.6875rem; fill: var(--ink); paint-order: stroke; stroke: var(--paper); stroke-width: 3px; stroke-linejoin: round; }
.dot { fill: var(--c); stroke: var(--paper); stroke-width: 1.5px; }
.whisker { stroke: var(--c); stroke-width: 2px; }
.hollow { fill: var(--paper); stroke: var(--c); stroke-width: 1.75px; }
.second { stroke-width: 1.25px; opacity: 0.7; }
.leader { stroke: var(--c); stroke-width: 1px; opacity: 0.3; }
.line { stroke: var(--c); stroke-width: 1.5px; }
.curve { fill: none; stroke: var(--c); stroke-width: 1.75px; stroke-linejoin: round; vector-effect: non-scaling-stroke; }
.panels .whisker { stroke-width: 1.5px; opacity: 0.65; }
.column, .bar rect { fill: var(--data); }
.after .bar rect { fill: var(--after); }
.pop { --c: var(--pop); }
.m0 { --c: var(--c0); } .m1 { --c: var(--c1); } .m2 { --c: var(--c2); } .m3 { --c: var(--c3); }
.m4 { --c: var(--c4); } .m5 { --c: var(--c5); } .m6 { --c: var(--c6); } .m7 { --c: var(--c7); }
.m8 { --c: var(--c8); }
th .name, figcaption .name { color: var(--c); overflow-wrap: anywhere; }

table { border-collapse: collapse; width: 100%; font: 0.875rem/1.45 var(--sans); font-variant-numeric: tabular-nums; }
caption { text-align: left; padding-bottom: 0.35rem; color: var(--soft); }
th { text-align: left; font-weight: 400; }
th, td { padding: 0.4rem 1rem 0.4rem 0; vertical-align: top; }
thead th { color: var(--soft); vertical-align: bottom; border-bottom: 1px solid var(--ink); }
th:last-child, td:last-child { padding-right: 0; }
tbody tr { border-bottom: 1px solid var(--hair); }
table.cards { margin-top: 2.2rem; }
.cards thead th { max-width: 7rem; }
.cards tbody th { font-weight: 600; min-width: 6.5rem; }
.cards b { font-weight: 600; }
.cards td small { white-space: nowrap; display: block; font-size: 0.75rem; color: var(--soft); }
.numbers td, .numbers thead th:not(:first-child) { text-align: right; }
.numbers { width: auto; min-width: min(100%, 27rem); }
.numbers th { overflow-wrap: anywhere; min-width: 5rem; }
.numbers thead th { overflow-wrap: normal; }
.numbers thead th:not(:first-child) { padding-left: 1rem; }
.scroll { overflow-x: auto; margin-top: 1.4rem; }
.bars { margin-top: 1rem; table-layout: fixed; }
.bars tbody tr { border: 0; }
.bars th { padding-right: 0.5rem; }
.bars th, .bars td { padding-top: 0.15rem; padding-bottom: 0.15rem; vertical-align: middle; overflow-wrap: anywhere; }
.bars th:first-child { width: 11rem; }
.bars td { display: table-cell; }
.bars .n { float: left; width: 5.2rem; padding-right: 0.7rem; text-align: right; white-space: nowrap; }
.bars svg { width: calc(100% - 5.2rem); margin-top: 0.3rem; }
.bars thead th { padding-bottom: 0.35rem; }
.bars tbody tr:first-child > * { padding-top: 0.5rem; }
.lines th { width: 6rem; }

details { margin-top: 0.9rem; font: 0.875rem/1.5 var(--sans); }
summary { cursor: pointer; color: var(--soft); text-decoration: underline; text-decoration-color: var(--hair); text-underline-offset: 0.25em; overflow-wrap: anywhere; }
summary:hover { color: var(--ink); }
:focus-visible { outline: 2px solid var(--c0); outline-offset: 3px; }
details .scroll { margin-top: 0.8rem; }
dl { margin: 1.2rem 0 0; }
dl > div { display: grid; grid-template-columns: 7.5rem minmax(0, 1fr); column-gap: 1.25rem; margin-top: 0.9rem; }
dt { font: 600 0.875rem/1.95 var(--sans); }
dd { margin: 0; max-width: 34rem; overflow-wrap: anywhere; }
code, pre { font-family: var(--mono); font-size: 0.8125rem; }
pre { margin: 0; padding: 1rem 1.1rem; background: var(--wash); border-left: 3px solid var(--ink); white-space: pre-wrap; overflow-wrap: anywhere; line-height: 1.55; }
.word { display: inline-block; max-width: 100%; }
td code { overflow-wrap: anywhere; white-space: pre-wrap; }
.hash { display: block; font: 0.875rem/1.5 var(--sans); }
.hash code { display: block; color: var(--soft); overflow-wrap: anywhere; margin-bottom: 0.5rem; font-size: 0.75rem; }
footer { margin-top: 4rem; padding-top: 1rem; border-top: 1px solid var(--hair); font: 0.8125rem/1.5 var(--sans); color: var(--soft); }

.banner { position: sticky; top: 0; z-index: 1; padding: 0.7rem 1.5rem; text-align: center; font: 0.9375rem/1.4 var(--sans); background: var(--banner); color: var(--banner-ink); border-bottom: 2px solid var(--banner-ink); }
.generated figcaption::after { content: " Generated data."; font-weight: 600; color: var(--bad); }

@media (max-width: 50rem) {
  .page { padding: 1.8rem 1.1rem 3rem; }
  .verdict, section.hero { padding-left: 0; }
  h1 { font-size: 1.85rem; }
  .also { font-size: 1.0625rem; }
  section { display: block; margin-top: 2.6rem; }
  h2 { font-size: 1.0625rem; margin-bottom: 0.9rem; }
  .plot { padding: 0 0.9rem; }
  .plot.named { padding: 0 8rem 0 1.9rem; }
  .wide { display: none; }
}
@media (max-width: 44rem) {
  .cards, .cards tbody, .cards tr, .cards th, .cards td, .cards caption { display: block; }
  .cards thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .cards tr { padding: 0.7rem 0; }
  .cards th { padding: 0 0 0.2rem; font-size: 0.9375rem; }
  .cards td { display: flex; justify-content: space-between; gap: 1rem; padding: 0.1rem 0; white-space: normal; text-align: right; }
  .cards td::before { content: attr(data-label); color: var(--soft); text-align: left; }
  .cards td small { display: inline; margin-left: 0.3rem; }
  .bars th:first-child { width: 6.6rem; }
  .bars .n { width: 3.6rem; padding-right: 0.5rem; }
  .bars svg { width: calc(100% - 3.6rem); }
  .bars.times .n { width: 5rem; }
  .bars.times svg { width: calc(100% - 5rem); }
  .bars td { padding-right: 0.4rem; }
  dl > div { display: block; }
}
@media print {
  @page { margin: 16mm; }
  :root { color-scheme: light; }
  .page { max-width: none; padding: 0; }
  body { font-size: 10pt; }
  .banner { position: static; }
  figure, tr, dl > div { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  details::details-content { content-visibility: visible; block-size: auto; }
  .scroll { overflow: visible; }
}
`;
