/** How good the service is, window by window: pictures, a table, and whether they are live. */
import { element } from "./dom.js";
import { windowsFigures } from "./windows-figures.js";
import { percent, windowsTable, windowText } from "./windows-table.js";

/** Changes are drawn together: several windows may change at a time. */
const drawAfterMs = 150;
/** Those who listen rather than look are told of final windows, and not more often. */
const tellAfterMs = 10_000;

/**
 * @param {Element} container
 * @returns {(state: import("./windows-feed.js").WindowsState) => void} shows the state soon
 */
export function windowsView(container) {
  const said = element("p", { class: "note", role: "status", id: "windows-state" });
  const news = element("p", { class: "unseen", role: "status", id: "windows-news" });
  const pictures = element("div", { id: "windows-pictures" });
  const table = windowsTable();
  container.replaceChildren(said, pictures, table.view, news);
  const tell = teller((text) => setText(news, text));
  let state = null;
  let timer = 0;

  function draw() {
    timer = 0;
    const { windows, source } = state;
    setText(said, stateText(state));
    const tested = windows.filter(({ cases, hrAt10 }) => cases > 0 && hrAt10 !== null);
    table.view.hidden = tested.length === 0;
    table.show(tested);
    if (tested.length > 0) pictures.replaceChildren(...windowsFigures(tested));
    else pictures.replaceChildren(...(source === null ? [] : [noWindows(source)]));
    tell(windows);
  }

  return (next) => {
    state = next;
    if (timer === 0) timer = setTimeout(draw, drawAfterMs);
  };
}

function stateText({ source, connected, reading }) {
  if (!connected) return source === null ? "Connecting …" : "Reconnecting …";
  if (source === "replay") return "Not live: windows of the replay.";
  return reading ? "Live." : "Not live for now: the service waits for the stream’s log.";
}

/** Unchanged text is not set again: it would be read out again. */
function setText(where, text) {
  if (where.textContent !== text) where.textContent = text;
}

/** Tells of the newest final window when that is another one than before, unless the page has just begun. */
function teller(say) {
  let known = null;
  let saidAtMs = Number.NEGATIVE_INFINITY;
  return (windows) => {
    const last = windows.findLast(({ final }) => final);
    if (last === undefined) return;
    const key = `${last.startMs} ${last.revision}`;
    const first = known === null;
    if (key === known || performance.now() - saidAtMs < tellAfterMs) return;
    known = key;
    if (first) return;
    saidAtMs = performance.now();
    say(`${windowText(last)} is final: HR@10 ${percent(last.hrAt10)}, popularity ${percent(last.popularity.hrAt10)}.`);
  };
}

function noWindows(source) {
  const why =
    source === "stream"
      ? "no event of the stream has been tested yet."
      : "no stream of interactions has been tested against this model.";
  const then = "Once one is, its hit ratio stands here, window by window, beside that of popularity.";
  return element("p", {}, `No windows yet: ${why} ${then}`);
}
