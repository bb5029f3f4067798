/** How the figures came about, in words, with the reason for each choice. */
import { bar } from "../charts/frame.ts";
import { type Html, html, prose } from "../html.ts";
import { grouped, percent } from "../number-text.ts";
import type { Report } from "../report.ts";
import { dayOf } from "../split-text.ts";
import { enumeration, itemNoun } from "../verdicts.ts";
import { numberTable, paragraph, section, terms } from "./section.ts";

export function protocolSection(report: Report): Html {
  return section("protocol", "How it was judged", [
    paragraph(
      "Published figures in this field move by several points on choices that papers leave out. These are the choices behind every figure above.",
    ),
    terms([
      ["Users", usersText(report)],
      ["Held out", heldOutText(report)],
      ["Candidates", candidatesText(report)],
      [
        "Equal scores",
        "Count as the average over every order of the tied items, so a model that scores everything alike gets what guessing gets, neither nothing nor everything.",
      ],
      ["Chance", chanceText(report)],
      ["Training", trainingText(report)],
    ]),
    leakagePart(report),
  ]);
}

function usersText({ dataset, protocol, splits }: Report): string {
  const known =
    protocol.split === "leaveOneOut" ? "" : ` who had ratings before the ${splits.length > 1 ? "last " : ""}moment`;
  const users = `${grouped(dataset.sample.users)} users${known}`;
  if (protocol.fraction === 1) return `All ${users}, with all their ratings; every rating counts as one interaction.`;
  const share = percent(protocol.fraction, Number.isInteger(Number((100 * protocol.fraction).toFixed(6))) ? 0 : 2);
  const how =
    protocol.sampler === "numpy123"
      ? "drawn as the paper drew them: numpy's RandomState(123), without replacement"
      : `those with the smallest hash of the seed (${protocol.seed}) and their id, so that a smaller sample lies within a larger one`;
  return `${share} of the users (${users}), ${how}; all their ratings, each counting as one interaction.`;
}

const tieRules: Readonly<Record<string, string>> = {
  firstInFile: "the one that comes first in the file is taken",
  lastInFile: "the one that comes last in the file is taken",
  smallestItemId: "the one with the smallest item id is taken",
  largestItemId: "the one with the largest item id is taken",
  random: "one is drawn by seed",
};

function heldOutText({ dataset, protocol, splits }: Report): string {
  const { sample } = dataset;
  const noun = itemNoun(dataset);
  const rule = tieRules[protocol.tieRule] ?? `the rule ${protocol.tieRule} decides`;
  const latest = protocol.split === "leaveOneOut";
  const days = splits.flatMap(({ beforeMs }) => (beforeMs === null ? [] : [dayOf(beforeMs)]));
  const parts = [
    latest
      ? `Each user's latest ${noun} is hidden from training, and the models must find it.`
      : `Models are trained on what came before ${enumeration(days)}, and must find each user's next ${noun}${days.length > 1 ? " up to the moment after" : ""}. Who has no rating before cannot be tested.`,
    `${percent(protocol.tieShare)} of the tested users rated several ${noun}s at ${latest ? "their latest" : "that"} moment: ${rule}.${latest ? " This rule alone can move HR@10 by as much as 6 points." : ""}`,
  ];
  if (sample.singletons > 0) {
    const who = latest ? "with one rating" : "without a new rating";
    parts.push(`${grouped(sample.singletons)} users ${who} are in training only.`);
  }
  if (sample.repeatedPairsRemoved > 0) {
    parts.push(`Of a repeated user and ${noun} the latest was kept (${grouped(sample.repeatedPairsRemoved)} removed).`);
  }
  return parts.join(" ");
}

function candidatesText({ dataset, protocol }: Report): string {
  const noun = itemNoun(dataset);
  const draw = protocol.candidateDraw === "distinct" ? "distinct" : "possibly repeated";
  const catalogue =
    protocol.catalogue === "listed"
      ? `The catalogue is every listed ${noun}, rated or not.`
      : `The catalogue is every ${noun} with a rating in the sample.`;
  const short =
    protocol.shortCandidateUsers > 0
      ? ` ${grouped(protocol.shortCandidateUsers)} users have fewer unseen ${noun}s than that and got all of them.`
      : "";
  return `The held-out ${noun} stands among ${protocol.candidates} ${draw} others that the user ${protocol.split === "leaveOneOut" ? "never rated" : "had not rated by then"}, drawn once for each user by seed: every model ranks the very same candidates. ${catalogue}${short}`;
}

function chanceText({ protocol }: Report): string {
  return `Intervals redraw the users ${grouped(protocol.bootstrapResamples)} times with replacement (bootstrap, 95 %). Two models are compared user by user: p is how often exchanging their results at random within users, ${grouped(protocol.permutations)} times, gives a difference as large as the one found. Below 0.05 counts as significant.`;
}

function trainingText({ dataset, protocol }: Report): string {
  const noun = itemNoun(dataset);
  const when = protocol.negativeDraw === "eachEpoch" ? "drawn anew each epoch" : "drawn once";
  return `Each interaction comes with ${protocol.negatives} ${noun}s that the user has not in training, uniform over the catalogue, ${when}. The held-out ${noun} may be among them: leaving it out would leak the answer.`;
}

function leakagePart(report: Report): Html {
  const { leakage, dataset, protocol } = report;
  if (protocol.split !== "leaveOneOut") return splitTable(report);
  const share = leakage.shareOfTrainingAfterTestEvent;
  const text = `Leave-one-out looks into the future: for an average tested user, ${percent(share)} of all training interactions happened after the moment of their held-out ${itemNoun(dataset)}. A recommender in service never has that knowledge, so read these figures as a comparison between models, not as a promise.`;
  return html`<h3>What it leaks</h3>
<p>${prose(text)}</p>
<table class="bars leak"><caption>Training data by time, for an average tested user</caption>
<tbody><tr><th scope="row">Before the test</th><td><span class="n">${percent(1 - share)}</span>${bar(1 - share)}</td></tr>
<tr class="after"><th scope="row">After the test</th><td><span class="n">${percent(share)}</span>${bar(share)}</td></tr></tbody></table>
`;
}

/** No model of a split by time knows what came later: what was trained on and tested at each moment. */
function splitTable({ splits }: Report): Html {
  const head = [
    "Trained before",
    "Interactions",
    "Tested",
    "New users",
    "Leakage",
    ...splits[0].models.map((m) => m.name),
  ];
  const rows = splits.map((split) => [
    split.beforeMs === null ? "" : dayOf(split.beforeMs),
    grouped(split.trainingInteractions),
    grouped(split.testedUsers),
    grouped(split.newUsers),
    percent(split.shareOfTrainingAfterTestEvent),
    ...split.models.map((m) => percent(m.hrAt10)),
  ]);
  return html`<h3>Split by time</h3>
${paragraph("No training interaction is later than a test: nothing leaks from the future. New users have their first rating in the time that is tested, and are not tested. The models' columns have HR@10.")}${numberTable("What was trained on and tested, by moment", head, rows)}`;
}
