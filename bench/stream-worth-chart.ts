/** HR@10 over the years as an SVG that follows the reader's light or dark scheme. */
import type { YearOfHits } from "./stream-worth-hits.ts";

const [width, height] = [860, 420];
const plot = { left: 46, right: 590, top: 34, bottom: 372 };
/** By contender, in the order of the table: light scheme, dark scheme, dashes. */
const strokes = [
  ["#8a8a8a", "#9a9a9a", "2 3"],
  ["#8a8a8a", "#9a9a9a", ""],
  ["#b45309", "#f59e0b", ""],
  ["#2563eb", "#60a5fa", "2 3"],
  ["#2563eb", "#60a5fa", ""],
  ["#be185d", "#f472b6", "2 3"],
  ["#be185d", "#f472b6", ""],
  ["#047857", "#34d399", "7 4"],
] as const;

/** @param years shares by contender, in the order of `contenders` */
export function worthChart(years: readonly YearOfHits[], contenders: readonly string[]): string {
  const last = Math.max(1, ...years.map(({ year }) => year));
  const x = (year: number): number => plot.left + (year / last) * (plot.right - plot.left);
  const y = (share: number): number => plot.bottom - share * (plot.bottom - plot.top);
  const point = (year: number, share: number): string => `${x(year).toFixed(1)},${y(share).toFixed(1)}`;
  const grid = [0, 0.2, 0.4, 0.6, 0.8, 1].map(
    (share) =>
      `<line class="grid" x1="${plot.left}" x2="${plot.right}" y1="${y(share)}" y2="${y(share)}"/>` +
      `<text x="${plot.left - 8}" y="${y(share) + 4}" text-anchor="end">${share.toFixed(1)}</text>`,
  );
  const ticks = years
    .filter(({ year }) => year % 2 === 0)
    .map(({ year }) => `<text x="${x(year)}" y="${plot.bottom + 18}" text-anchor="middle">${year + 1}</text>`);
  const lines = contenders.map(
    (_, c) => `<polyline class="c${c}" points="${years.map(({ year, shares }) => point(year, shares[c])).join(" ")}"/>`,
  );
  const legend = contenders.map((name, c) => {
    const at = plot.top + 16 + 26 * c;
    return `<line class="c${c}" x1="612" x2="646" y1="${at}" y2="${at}"/><text x="656" y="${at + 4}">${name}</text>`;
  });
  const colours = (scheme: 0 | 1): string => strokes.map((stroke, c) => `.c${c}{stroke:${stroke[scheme]}}`).join("");
  const dashes = strokes.map(([, , dash], c) => (dash === "" ? "" : `.c${c}{stroke-dasharray:${dash}}`)).join("");
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="HR@10 by year of the stream">
<style>
svg{color:#1f2328;background:#fff;font:13px system-ui,sans-serif}text{fill:currentColor}.grid{stroke:currentColor;opacity:.15}
polyline,line{fill:none;stroke-width:2}.grid{stroke-width:1}${dashes}
${colours(0)}
@media(prefers-color-scheme:dark){svg{color:#e6edf3;background:#0d1117}${colours(1)}}
</style>
<text x="${plot.left - 36}" y="18">HR@10, all users, all movies as candidates</text>
${[...grid, ...ticks, ...lines, ...legend].join("\n")}
<text x="${(plot.left + plot.right) / 2}" y="${height - 10}" text-anchor="middle">year of the stream (52 weeks each)</text>
</svg>
`;
}
