// The map: the server draws it once, and this changes colours, marks and titles from then on.

import { ask } from "/ui/stream.js";
import * as flows from "/ui/flows.js";
import * as legend from "/ui/legend.js";
import { state } from "/ui/regions.js";
import { percent, svg as make } from "/ui/words.js";

// The part of the picture without its legend, which the page has as HTML.
const VIEW = "0 0 2000 870";

// A country is striped when at least this part of its clients goes to a second region, and hatched when as many get one
// although it is down.
const WORTH_A_STRIPE = 0.05;

// The ground of countries whose clients get no region: the picture has its hatching.
const NO_REGION = "url(#open-d5dae0)";

const holder = document.getElementById("map");
const hint = document.getElementById("map-hint");

let fills = new Map();
let out = new Set();
const nobody = "#d5dae0";

// Takes the picture over. It is parsed as XML and never as HTML, and the policy of the page lets
// nothing in it run.
export async function load() {
  const response = await ask("/map.svg");
  if (!response.ok) return false;
  const picture = new DOMParser().parseFromString(await response.text(), "image/svg+xml");
  const svg = document.importNode(picture.documentElement, true);
  svg.setAttribute("viewBox", VIEW);
  svg.querySelector(".legend")?.remove();
  svg.querySelector("title")?.remove();
  svg.setAttribute("aria-label", "Map of the world: where the clients of each country go");
  const known = holder.querySelector("svg");
  known ? known.replaceWith(svg) : holder.append(svg);
  flows.begin(svg);
  listen();
  return true;
}

// Shows how the regions stand.
export function showRegions(regions) {
  fills = new Map(regions.map(({ name, colour, texture }, index) => [
    name, { colour, plain: texture ? `url(#dots-${index})` : colour },
  ]));
  out = new Set(regions.filter(({ ipv4 }) => ipv4.service === "out").map(({ name }) => name));
  legend.showRegions(regions);
  for (const region of regions) {
    const mark = document.getElementById(`mark-${region.name}`);
    if (!mark) continue;
    mark.dataset.phase = region.look;
    mark.querySelector("use").setAttribute("href", `#phase-${region.look}`);
    const load = region.vitals.load;
    mark.querySelector("text").textContent = load === null ? region.name : `${region.name} ${percent(load, 0)}`;
    mark.querySelector("title").textContent = `${region.name}: ${[state(region), region.intent].filter(Boolean).join(", ")}`;
  }
}

// Shows where the clients of each country go.
export function showAtlas(atlas) {
  const used = new Set();
  for (const country of countries()) {
    const code = country.id.slice("country-".length);
    const [fractions, open] = [atlas.countries[code], atlas.failing_open[code] ?? 0];
    country.setAttribute("fill", fill(fractions, open, used));
    const told = `${country.dataset.name}: ${tell(fractions)}${tellOpen(open)}`;
    country.querySelector("title").textContent = told;
    country.setAttribute("aria-label", told);
  }
  legend.showPatterns(used, flows.show(atlas.moved, (region) => out.has(region)));
}

function countries() {
  return holder.querySelectorAll(".countries > *");
}

export function tell(fractions) {
  if (!fractions) return "no clients are known here";
  if (fractions.length === 0) return "no region answers them";
  return fractions.map(([region, part]) => `${region} ${percent(part, 1)}`).join(", ");
}

function tellOpen(open) {
  if (open === 0) return "";
  return `; ${open > 0.999 ? "all" : percent(open, 1)} of them although it is down (fail open)`;
}

// Returns a fill, and notes which patterns are in use.
function fill(fractions, open, used) {
  if (!fractions) return nobody;
  const [first, second] = fractions;
  if (!first) {
    used.add("none");
    return NO_REGION;
  }
  const { colour, plain } = fills.get(first[0]) ?? { colour: nobody, plain: nobody };
  if (open >= WORTH_A_STRIPE) {
    used.add("open");
    return `url(#open-${colour.slice(1)})`;
  }
  if (!second || second[1] < WORTH_A_STRIPE) return plain;
  used.add("stripes");
  return `url(#${stripes(colour, fills.get(second[0])?.colour ?? nobody)})`;
}

// Returns the id of a pattern of two colours; it is made when it is first needed.
function stripes(one, other) {
  const id = `stripes-${one.slice(1)}-${other.slice(1)}`;
  if (document.getElementById(id)) return id;
  const pattern = make("pattern", {
    id, patternUnits: "userSpaceOnUse", width: 22, height: 22, patternTransform: "rotate(45)",
  });
  pattern.append(make("rect", { width: 22, height: 22, fill: one }));
  pattern.append(make("rect", { width: 9, height: 22, fill: other }));
  holder.querySelector("defs").append(pattern);
  return id;
}

// The map is one stop for the Tab key; the arrow keys go from country to country inside.

let stops = [];
let current = 0;

function listen() {
  stops = [...countries()].sort((one, other) => one.dataset.name.localeCompare(other.dataset.name));
  current = 0;
  stops.forEach((country) => country.setAttribute("role", "img"));
  stops[0]?.setAttribute("tabindex", "0");
}

function focus(index) {
  stops[current].removeAttribute("tabindex");
  current = (index + stops.length) % stops.length;
  stops[current].setAttribute("tabindex", "0");
  stops[current].focus();
}

const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

// On what holds the picture: one that listens to focus itself would be a stop of its own.
holder.addEventListener("keydown", (event) => {
  if (!(event.key in STEPS)) return;
  event.preventDefault();
  focus(current + STEPS[event.key]);
});
for (const kind of ["pointerover", "focusin"]) {
  holder.addEventListener(kind, ({ target }) => {
    const told = target.closest(".countries > *, .regions > *, .way")?.querySelector("title");
    if (told) hint.textContent = told.textContent;
  });
}
