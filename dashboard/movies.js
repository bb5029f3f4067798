/** Lists of movies. */
import { element, isoDate } from "./dom.js";

/** @param {(item: object, index: number) => void} onWatched */
export function recommendationRow(item, index, onWatched) {
  const button = element("button", { type: "button", "aria-label": `I watched ${nameOf(item)}` }, "I watched this");
  button.addEventListener("click", () => onWatched(item, index));
  return element("li", {}, titleOf(item, becauseOf(item)), button);
}

/** The movies of the user's own that carry the recommendation most. */
function becauseOf({ because = [] }) {
  if (because.length === 0) return [];
  return [element("span", { class: "because" }, `Because of ${because.map(nameOf).join("; ")}`)];
}

export function historyRow(item) {
  const mark = item.recorded ? [element("strong", {}, "new")] : [];
  const when = element("span", { class: "when" }, ...mark, isoDate(item.timestampMs));
  return element("li", {}, titleOf(item), when);
}

/** The title, or what stands for it where the data set has none. */
export function nameOf({ title, itemId }) {
  return title ?? `item ${itemId}`;
}

function titleOf(item, more = []) {
  return element(
    "span",
    { class: "title" },
    nameOf(item),
    ...(item.genres.length > 0 ? [element("span", { class: "genres" }, item.genres.join(", "))] : []),
    ...more,
  );
}
