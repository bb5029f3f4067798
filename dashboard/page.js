/** The page: chooses whose taste counts, and shows what the service makes of it. */
import { get, latestOnly, post } from "./api.js";
import { combobox } from "./combobox.js";
import { byId, counted, element } from "./dom.js";
import { historyRow, nameOf, recommendationRow } from "./movies.js";
import { followWindows } from "./windows-feed.js";
import { windowsView } from "./windows-view.js";

const recommendationCount = 10;
const historyStep = 10;

/** Whose taste counts: a user's, or that of the movies picked here. */
const state = { who: "user", userId: "", picks: [], historyLimit: historyStep };
const refreshing = latestOnly();

const userInput = byId("user-input");
const movieInput = byId("movie-input");
const recommendations = byId("recommendations");

combobox(userInput, byId("user-list"), {
  suggest: async (text, signal) =>
    (await get(`/users?limit=20&prefix=${encodeURIComponent(text === state.userId ? "" : text)}`, signal)).users,
  describe: ({ userId, interactions }) => ({ text: userId, more: counted(interactions, "movie", "movies") }),
  choose: ({ userId }) => chooseUser(userId),
  chooseText: chooseUser,
  onError: tell,
});

combobox(movieInput, byId("movie-list"), {
  suggest: async (text, signal) => {
    const picked = new Set(state.picks.map(({ itemId }) => itemId));
    const { items } = await get(`/items?limit=20&query=${encodeURIComponent(text)}`, signal);
    return items.filter(({ itemId }) => !picked.has(itemId));
  },
  describe: (item) => ({ text: nameOf(item), more: item.genres.join(", ") }),
  choose: (item) => {
    movieInput.value = "";
    void pick(item);
  },
  onError: tell,
});

for (const radio of document.querySelectorAll("input[name=who]")) {
  radio.addEventListener("change", () => {
    state.who = radio.value;
    void refresh("");
  });
}
window.addEventListener("hashchange", () => chooseUser(linkedUser() ?? state.userId));
byId("more-history").addEventListener("click", () => {
  state.historyLimit += 5 * historyStep;
  void refresh("");
});

void start();
followWindows(windowsView(byId("windows")));

async function start() {
  try {
    const { name, dataset, published } = await get("/models/champion");
    const facts = `${counted(dataset.users, "user", "users")}, ${counted(dataset.items, "movie", "movies")}${judgedText(published)}`;
    byId("served").replaceChildren(element("strong", {}, name), ` on ${dataset.name}: ${facts}`);
    byId("generated").hidden = !dataset.generated;
    // A browser may bring back what was chosen before a reload.
    state.who = document.querySelector("input[name=who]:checked").value;
    const { users } = await get("/users?limit=1");
    chooseUser(linkedUser() ?? users[0]?.userId ?? "");
  } catch (error) {
    tell(error);
  }
}

/** How the settings of a published model were judged. */
function judgedText(published) {
  if (!published?.judged) return "";
  const { hrAt10, popularityHrAt10 } = published.judged;
  return `, judged at HR@10 ${hrAt10.toFixed(3)} (popularity ${popularityHrAt10.toFixed(3)})`;
}

/** The user that the address names, or null. */
function linkedUser() {
  return new URLSearchParams(location.hash.slice(1)).get("user");
}

function chooseUser(userId) {
  state.userId = userId;
  state.historyLimit = historyStep;
  userInput.value = userId;
  history.replaceState(null, "", `#${new URLSearchParams({ user: userId })}`);
  void refresh("");
}

function pick(item) {
  state.picks.push(item);
  return refresh(`${nameOf(item)} counts.`);
}

function unpick(item) {
  state.picks = state.picks.filter(({ itemId }) => itemId !== item.itemId);
  movieInput.focus();
  void refresh(`${nameOf(item)} does not count any more.`);
}

async function watched(item, index) {
  try {
    if (state.who === "taste") await pick(item);
    else {
      await post("/interactions", { userId: state.userId, itemId: item.itemId });
      await refresh(`${nameOf(item)} counts as watched.`);
    }
    focusRow(index);
  } catch (error) {
    tell(error);
  }
}

/** Shows what holds now; `news` is what has just changed, for those who do not see it. */
async function refresh(news) {
  byId("user-panel").hidden = state.who !== "user";
  byId("taste-panel").hidden = state.who !== "taste";
  byId("history-section").hidden = state.who !== "user";
  showPicks();
  recommendations.classList.add("waiting");
  try {
    await refreshing(async (signal) => {
      const [answer, past] = await Promise.all([askRecommendations(signal), askHistory(signal)]);
      signal.throwIfAborted();
      showRecommendations(answer);
      if (past !== null) showHistory(past);
      byId("said").classList.remove("trouble");
      byId("said").textContent = [news, counted(answer.items.length, "recommendation.", "recommendations.")]
        .join(" ")
        .trim();
      recommendations.classList.remove("waiting");
    });
  } catch (error) {
    recommendations.classList.remove("waiting");
    tell(error);
  }
}

function askRecommendations(signal) {
  if (state.who === "user" && state.userId !== "") {
    const path = `/users/${encodeURIComponent(state.userId)}/recommendations`;
    return get(`${path}?k=${recommendationCount}&explain=true`, signal);
  }
  const recentItems = state.who === "taste" ? state.picks.map(({ itemId }) => itemId) : [];
  return post("/recommendations", { recentItems, k: recommendationCount, explain: true }, signal);
}

async function askHistory(signal) {
  if (state.who !== "user" || state.userId === "") return null;
  return get(`/users/${encodeURIComponent(state.userId)}/history?limit=${state.historyLimit}`, signal);
}

function showRecommendations({ basis, items }) {
  byId("basis").textContent = basisText(basis);
  recommendations.replaceChildren(...items.map((item, index) => recommendationRow(item, index, watched)));
}

function basisText(basis) {
  const who = state.who === "user" ? `user ${state.userId}` : "the movies above";
  if (basis === "popularity") {
    return state.who === "user"
      ? `Nothing is known of ${who} yet: these are everybody’s favourites.`
      : "No movie picked yet: these are everybody’s favourites.";
  }
  return basis === "model"
    ? `What the model learnt of ${who} in training.`
    : `Made at once of ${state.who === "user" ? `what ${who} watched, just now included` : who}.`;
}

function showHistory({ known, total, items }) {
  const shown = items.length < total ? `The latest ${items.length} of ` : "";
  byId("history-note").textContent = known ? `${shown}${counted(total, "movie", "movies")}.` : "Nothing yet.";
  byId("history").replaceChildren(...items.map(historyRow));
  byId("more-history").hidden = items.length >= total || items.length >= 1000;
}

function showPicks() {
  byId("picks").replaceChildren(
    ...state.picks.map((item) => {
      const button = element(
        "button",
        { type: "button", class: "quiet", "aria-label": `Remove ${nameOf(item)}` },
        nameOf(item),
      );
      button.addEventListener("click", () => unpick(item));
      return element("li", {}, button);
    }),
  );
}

/** Whoever pressed a button of a list by key goes on at the same place. */
function focusRow(index) {
  const buttons = recommendations.querySelectorAll("button");
  buttons[Math.min(index, buttons.length - 1)]?.focus();
}

function tell(error) {
  byId("said").classList.add("trouble");
  byId("said").textContent = `That did not work: ${error instanceof Error ? error.message : error}`;
}
