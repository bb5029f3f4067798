/** Follows the service's windows by server-sent events, through restarts of the service and of its log. */

/** A page may stay open for days: older windows are forgotten. */
const mostWindows = 200;
/** After which a service that turned the page away is asked again. */
const againMs = 5000;

/**
 * @typedef {object} WindowsState
 * @property {object[]} windows reports, oldest first
 * @property {"stream" | "replay" | null} source null before the service has answered
 * @property {boolean} connected
 * @property {boolean} reading whether the service reads the stream's reports just now
 */

/** @param {(state: WindowsState) => void} onChange told after every event */
export function followWindows(onChange) {
  const windows = new Map();
  const state = { source: null, connected: false, reading: false };
  let events = null;
  let timer = 0;

  // A browser has few connections for a service: pages that nobody looks at give theirs back.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) close();
    else if (events === null) open();
  });
  if (!document.hidden) open();

  function open() {
    clearTimeout(timer);
    events = new EventSource("/windows/live");
    events.addEventListener("open", () => change({ connected: true }));
    events.addEventListener("error", () => {
      change({ connected: false });
      // The browser comes back by itself, but not after a refusal.
      if (events?.readyState === EventSource.CLOSED) timer = setTimeout(open, againMs);
    });
    events.addEventListener("start", ({ data }) => {
      windows.clear();
      change(JSON.parse(data));
    });
    events.addEventListener("reading", ({ data }) => change(JSON.parse(data)));
    events.addEventListener("window", ({ data }) => {
      const report = JSON.parse(data);
      windows.set(report.startMs, report);
      if (windows.size > mostWindows) windows.delete(Math.min(...windows.keys()));
      change({});
    });
  }

  function close() {
    clearTimeout(timer);
    events?.close();
    events = null;
    change({ connected: false });
  }

  function change(changes) {
    Object.assign(state, changes);
    onChange({ ...state, windows: [...windows.values()].sort((a, b) => a.startMs - b.startMs) });
  }
}
