/** HR@10 by how active a user is, and what becomes of the paper's claim about it. */
import { type Html, html } from "../html.ts";
import type { Report } from "../report.ts";
import { groupFigures, rangeText } from "./group-figures.ts";
import { paragraph, section } from "./section.ts";

export function activitySection({ models, verdicts }: Report): Html | null {
  const figures = groupFigures(models, {
    id: "activity",
    by: "user activity",
    ends: ["least active", "most active"],
    groupsOf: ({ byActivity }) => byActivity.map((q) => ({ ...q, label: rangeText(q.minTraining, q.maxTraining) })),
  });
  if (figures === null) return null;
  return section("activity", "Active and less active users", [
    paragraph(verdicts.activeUsers.text),
    html`<p class="note">Users in four equal groups by how many training interactions they have: the ranges under each group.</p>
`,
    figures,
  ]);
}
