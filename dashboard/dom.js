/** Elements from plain text: nothing that the service says is ever read as HTML. */

const svgNamespace = "http://www.w3.org/2000/svg";

export function byId(id) {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`no element ${id} in the page`);
  return found;
}

/** @param {Record<string, string>} attributes @param {...(Node | string)} children */
export function element(name, attributes, ...children) {
  return filled(document.createElement(name), attributes, children);
}

export function svgElement(name, attributes, ...children) {
  return filled(document.createElementNS(svgNamespace, name), attributes, children);
}

function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}

/** @param {number} count */
export function counted(count, one, many) {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}

export function isoDate(timestampMs) {
  const date = new Date(timestampMs);
  return Number.isNaN(date.getTime()) ? "" : date.toISOString().slice(0, 10);
}
