// The map: the server draws it once, and this changes colours, marks and titles from then on.

import { ask } from "/ui/stream.js";
import { state } from "/ui/regions.js";
import { percent } from "/ui/words.js";

const SVG = "http://www.w3.org/2000/svg";

// The part of the picture without its legend, which the page has as HTML.
const VIEW = "0 0 2000 870";

// A country is striped when at least this part of its clients goes to a second region.
const WORTH_A_STRIPE = 0.05;

const holder = document.getElementById("map");
const hint = document.getElementById("map-hint");

let colours = new Map();
let nobody = "";

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
  nobody = svg.querySelector("[data-nobody]")?.getAttribute("fill") ?? "#d5dae0";
  listen(svg);
  return true;
}

// Shows how the regions stand.
export function showRegions(regions) {
  colours = new Map(regions.map((region) => [region.name, region.colour]));
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
  for (const country of countries()) {
    const fractions = atlas.countries[country.id.slice("country-".length)];
    country.setAttribute("fill", fill(fractions));
    const told = `${country.dataset.name}: ${tell(fractions)}`;
    country.querySelector("title").textContent = told;
    country.setAttribute("aria-label", told);
  }
}

function countries() {
  return holder.querySelectorAll(".countries > *");
}

export function tell(fractions) {
  if (!fractions) return "no clients are known here";
  if (fractions.length === 0) return "no region answers them";
  return fractions.map(([region, part]) => `${region} ${percent(part, 1)}`).join(", ");
}

function fill(fractions) {
  const [first, second] = fractions ?? [];
  if (!first) return nobody;
  const colour = colours.get(first[0]) ?? nobody;
  if (!second || second[1] < WORTH_A_STRIPE) return colour;
  return `url(#${stripes(colour, colours.get(second[0]) ?? nobody)})`;
}

// Returns the id of a pattern of two colours; it is made when it is first needed.
function stripes(one, other) {
  const id = `stripes-${one.slice(1)}-${other.slice(1)}`;
  if (document.getElementById(id)) return id;
  const pattern = make("pattern", {
    id, patternUnits: "userSpaceOnUse", width: 16, height: 16, patternTransform: "rotate(45)",
  });
  pattern.append(make("rect", { width: 16, height: 16, fill: one }));
  pattern.append(make("rect", { width: 6, height: 16, fill: other }));
  holder.querySelector("defs").append(pattern);
  return id;
}

function make(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

// The map is one stop for the Tab key; the arrow keys go from country to country inside.
function listen(svg) {
  const all = [...countries()].sort((one, other) => one.dataset.name.localeCompare(other.dataset.name));
  let current = 0;
  const focus = (index) => {
    all[current].removeAttribute("tabindex");
    current = (index + all.length) % all.length;
    all[current].setAttribute("tabindex", "0");
    all[current].focus();
  };
  all.forEach((country) => country.setAttribute("role", "img"));
  all[0]?.setAttribute("tabindex", "0");
  const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
  svg.addEventListener("keydown", (event) => {
    if (!(event.key in steps)) return;
    event.preventDefault();
    focus(current + steps[event.key]);
  });
  for (const kind of ["pointerover", "focusin"]) {
    svg.addEventListener(kind, (event) => {
      const told = event.target.closest(".countries > *, .regions > *")?.querySelector("title");
      if (told) hint.textContent = told.textContent;
    });
  }
}
