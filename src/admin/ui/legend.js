// What the colours, patterns and marks on the map mean: only those that are on it now.

import { element, mark, svg } from "/ui/words.js";

const colours = document.getElementById("legend");
const key = document.getElementById("key");

const PATTERNS = {
  open: "fail open: sent to regions that are down",
  none: "get no region",
  stripes: "go to two regions",
};

let known = "";
let patterns = [];
let looks = [];

// Shows the regions with their colours and marks.
export function showRegions(regions) {
  const next = JSON.stringify(regions.map(({ name, colour, texture, look }) => [name, colour, texture, look]));
  if (next === known) return;
  known = next;
  colours.replaceChildren(...regions.map(({ name, colour, texture }) => {
    const swatch = element("span", { class: "swatch", "data-texture": Math.min(texture, 2) });
    swatch.style.backgroundColor = colour;
    return element("li", {}, swatch, name);
  }));
  looks = [...new Set(regions.map(({ look }) => look))].filter((look) => look !== "healthy");
  showKey();
}

// Shows which patterns are in use, and whether there are arrows.
export function showPatterns(used, hasArrows) {
  patterns = Object.keys(PATTERNS).filter((name) => used.has(name)).map((name) => element("li", {}, swatch(name), PATTERNS[name]));
  if (hasArrows) patterns.push(element("li", {}, arrow(), "where clients of a region went"));
  showKey();
}

function showKey() {
  key.replaceChildren(...looks.map((look) => element("li", {}, mark(look), look)), ...patterns);
}

function swatch(name) {
  return element("span", { class: `swatch pattern-${name}` });
}

function arrow() {
  const line = svg("path", { class: "way", d: "M0 5H20", "stroke-width": 2.5 });
  return svg("svg", { class: "arrow", viewBox: "0 0 28 10", "aria-hidden": "true" }, line, svg("path", { d: "M18 0 28 5 18 10z" }));
}
