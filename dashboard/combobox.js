/** A text field with a list of suggestions, after the combobox pattern of the ARIA Authoring Practices. */
import { latestOnly } from "./api.js";
import { element } from "./dom.js";

/** A pause in typing after which the service is asked. */
const pauseMs = 120;

/**
 * @template T
 * @param {HTMLInputElement} input
 * @param {HTMLUListElement} list
 * @param {object} options
 * @param {(text: string, signal: AbortSignal) => Promise<T[]>} options.suggest
 * @param {(item: T) => { text: string, more: string }} options.describe
 * @param {(item: T) => void} options.choose
 * @param {(text: string) => void} [options.chooseText] takes a text that is no suggestion
 * @param {(error: unknown) => void} options.onError
 */
export function combobox(input, list, { suggest, describe, choose, chooseText, onError }) {
  const asking = latestOnly();
  let items = [];
  let active = -1;
  let timer = 0;
  /** Whether Enter was pressed while the suggestions for what is typed were still to come. */
  let takeFirst = false;

  input.setAttribute("role", "combobox");
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-controls", list.id);
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Suggestions");
  close();

  input.addEventListener("input", () => {
    // What is listed belongs to an earlier text: it must not be taken for this one.
    activate(-1);
    items = [];
    ask(pauseMs);
  });
  input.addEventListener("click", () => ask(0));
  input.addEventListener("blur", close);
  input.addEventListener("keydown", onKey);
  // Keeps the focus in the field.
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("click", ({ target }) => {
    const option = target.closest("[data-index]");
    if (option !== null) take(items[Number(option.dataset.index)]);
  });

  function onKey(event) {
    const open = !list.hidden;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!open) ask(0);
      else if (items.length > 0) activate(active + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (open && active >= 0) take(items[active]);
      else if (chooseText !== undefined && input.value.trim() !== "") {
        const text = input.value.trim();
        close();
        chooseText(text);
      } else {
        takeFirst = input.value.trim() !== "";
        ask(0);
      }
    } else if (event.key === "Escape" && open) {
      event.preventDefault();
      close();
    }
  }

  function ask(afterMs) {
    stopAsking();
    timer = setTimeout(() => {
      asking(async (signal) => {
        show(await suggest(input.value.trim(), signal));
      }).catch(onError);
    }, afterMs);
  }

  function show(found) {
    // The answer may come after the field was left.
    if (document.activeElement !== input) return;
    items = found;
    if (takeFirst && found.length > 0) {
      take(found[0]);
      return;
    }
    takeFirst = false;
    const options = found.map((item, index) => {
      const { text, more } = describe(item);
      return element(
        "li",
        { role: "option", id: `${list.id}-${index}`, "data-index": index, "aria-selected": "false" },
        `${text} `,
        element("small", {}, more),
      );
    });
    const nothing = element("li", { class: "nothing", role: "option", "aria-disabled": "true" }, "Nothing found");
    list.replaceChildren(...(options.length > 0 ? options : [nothing]));
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    activate(chooseText === undefined && options.length > 0 ? 0 : -1);
  }

  function activate(index) {
    active = index < -1 ? items.length - 1 : index >= items.length ? 0 : index;
    [...list.children].forEach((option, i) => {
      option.setAttribute("aria-selected", String(i === active));
    });
    if (active < 0) input.removeAttribute("aria-activedescendant");
    else {
      input.setAttribute("aria-activedescendant", `${list.id}-${active}`);
      list.children[active].scrollIntoView({ block: "nearest" });
    }
  }

  function take(item) {
    if (item === undefined) return;
    close();
    choose(item);
  }

  function stopAsking() {
    clearTimeout(timer);
    void asking(async () => {});
  }

  function close() {
    stopAsking();
    items = [];
    active = -1;
    takeFirst = false;
    list.hidden = true;
    list.replaceChildren();
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }
}
