/** Scripts that run inside the page and measure what a reader would see. Plain text, as the page has its own world. */

/** Elements that stick out of the window sideways, apart from those inside a box that scrolls. */
export const sticksOut = `(() => {
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    if (element.closest(".scroll") || element.closest("thead") || element.closest("details:not([open])")) continue;
    if (element.tagName === "title" || element.tagName === "desc") continue;
    const box = element.getBoundingClientRect();
    if (box.width === 0 || (box.left >= -0.5 && box.right <= innerWidth + 0.5)) continue;
    found.push(element.tagName + "." + element.getAttribute("class") + " " + element.textContent.slice(0, 40)
      + " " + box.left.toFixed(1) + ".." + box.right.toFixed(1));
  }
  return found;
})()`;

/** Chart labels that lie on one another. */
export const labelsOverlap = `(() => {
  const found = [];
  for (const chart of document.querySelectorAll("svg.chart")) {
    const labels = [...chart.querySelectorAll(".label, .tick")].map((e) => ({ text: e.textContent, box: e.getBBox() }));
    labels.forEach((a, i) => labels.slice(i + 1).forEach((b) => {
      const wide = Math.min(a.box.x + a.box.width, b.box.x + b.box.width) - Math.max(a.box.x, b.box.x);
      const high = Math.min(a.box.y + a.box.height, b.box.y + b.box.height) - Math.max(a.box.y, b.box.y);
      if (wide > 0.5 && high > 3) found.push(chart.querySelector("title").textContent + ": " + a.text + " | " + b.text);
    }));
  }
  return found;
})()`;

/** Contrast (WCAG 2) of each piece of text against the nearest opaque background, the lowest ten. */
export const lowestContrasts = `(() => {
  const channel = (v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
  const parse = (color) => color.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const background = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const color = parse(getComputedStyle(e).backgroundColor);
      if (color.length < 4 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const results = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (node.textContent.trim() === "" || element.tagName === "title" || element.tagName === "desc") continue;
    const style = getComputedStyle(element);
    const color = parse(element.namespaceURI.endsWith("svg") ? style.fill : style.color);
    const [a, b] = [luminance(color), luminance(background(element))].sort((x, y) => y - x);
    results.push({ contrast: (a + 0.05) / (b + 0.05), text: node.textContent.trim().slice(0, 40) });
  }
  return results.sort((x, y) => x.contrast - y.contrast).slice(0, 10);
})()`;

/** Background and ink of the page. */
export const pageColours = `(() => {
  const style = getComputedStyle(document.body);
  return [style.backgroundColor, style.color];
})()`;
