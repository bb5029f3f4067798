/** report.html: one file that needs nothing else, made from report.json alone. */
import { Html, html } from "./html.ts";
import { pageStyle } from "./page-style.ts";
import type { Report } from "./report.ts";
import { activitySection } from "./sections/activity-section.ts";
import { costSection } from "./sections/cost-section.ts";
import { dataSection } from "./sections/data-section.ts";
import { listsSection } from "./sections/lists-section.ts";
import { modelsSection } from "./sections/models-section.ts";
import { popularitySection } from "./sections/popularity-section.ts";
import { protocolSection } from "./sections/protocol-section.ts";
import { rankingsSection } from "./sections/rankings-section.ts";
import { reproduceSection } from "./sections/reproduce-section.ts";
import { trainingSection } from "./sections/training-section.ts";
import { verdictFigure, verdictHeader } from "./sections/verdict-section.ts";

/** No script, no font, no image, no connection: the browser itself refuses whatever might slip in. */
const contentPolicy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/** The whole page. Everything that comes from the report is escaped. */
export function reportPage(report: Report): string {
  const { dataset } = report;
  const title = `${dataset.generated ? "Generated data: " : ""}${dataset.name}, how well it is recommended`;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${contentPolicy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<style>${new Html(pageStyle)}</style>
</head>
<body${dataset.generated ? new Html(' class="generated"') : null}>
${dataset.generated ? generatedBanner() : null}<div class="page">
${verdictHeader(report)}<main>
<section id="verdict" aria-label="The verdict in a chart" class="hero">${verdictFigure(report)}</section>
${[
  modelsSection(report),
  rankingsSection(report),
  activitySection(report),
  popularitySection(report),
  listsSection(report),
  costSection(report),
  trainingSection(report),
  dataSection(report),
  protocolSection(report),
  reproduceSection(report),
]}</main>
<footer><p>Written by ${report.generatedBy.name} ${report.generatedBy.version}. The same figures for programs are in report.json.</p></footer>
</div>
</body>
</html>
`;
  return page.text;
}

function generatedBanner(): Html {
  return html`<aside class="banner" aria-label="Generated data"><strong>Generated data.</strong> No person gave these ratings: the figures say nothing about real users.</aside>
`;
}
