/** All that is needed to get the same figures again, and what they cost. */
import { bar } from "../charts/frame.ts";
import { type Html, html } from "../html.ts";
import { duration, megabytes } from "../number-text.ts";
import type { Report } from "../report.ts";
import { paragraph, section, terms } from "./section.ts";

export function reproduceSection(report: Report): Html {
  const { machine, hashes, dataset } = report;
  const digests: (readonly [string, string])[] = [
    ["Ratings file", dataset.validation.ratingsSha256],
    ["Sample", hashes.sample],
    ...Object.entries(hashes.models).map(([name, hash]) => [`Model ${name}`, hash] as const),
  ];
  return section("reproduce", "Doing it again", [
    html`<pre><code>${commandWords(report.command)}</code></pre>
`,
    paragraph(
      "The same command on the same data gives the same sample, the same models and the same figures, whatever the number of threads.",
    ),
    terms([
      ["Program", `${report.generatedBy.name} ${report.generatedBy.version}, report format ${report.formatVersion}`],
      [
        "Machine",
        `${machine.cpu}, ${machine.cores} ${machine.cores === 1 ? "core" : "cores"}, ${machine.os}, Node ${machine.node}`,
      ],
      ["Peak memory", megabytes(report.peakRssBytes)],
      ["SHA-256", digests.map(([name, hash]) => html`<span class="hash">${name} <code>${hash}</code></span>`)],
    ]),
    timingTable(report),
  ]);
}

/** An option and its value stay on one line where they fit. */
function commandWords(command: string): Html[] {
  const words = command.split(/ (?=--)/);
  return words.map((word, index) => html`<span class="word">${word}</span>${index < words.length - 1 ? " " : null}`);
}

function timingTable({ timings }: Report): Html | null {
  if (timings.length === 0) return null;
  const total = timings.reduce((sum, t) => sum + t.seconds, 0);
  const longest = Math.max(1e-9, ...timings.map((t) => t.seconds));
  return html`<table class="bars times"><caption>Time taken, ${duration(total)} in all</caption>
<tbody>${timings.map(
    (
      t,
    ) => html`<tr><th scope="row">${t.stage}</th><td><span class="n">${duration(t.seconds)}</span>${bar(t.seconds / longest)}</td></tr>
`,
  )}</tbody></table>
`;
}
