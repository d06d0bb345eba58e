// Where the clients of a region went that are not there: an arrow on the map for each way, and the same in words.

import { element, percent, svg } from "/ui/words.js";

// Ways of a smaller part of a region's clients are told and not drawn, nor are more than a few of one region.
const WORTH_AN_ARROW = 0.05;
const MAX_ARROWS = 3;

// As much is rounding.
const NEGLIGIBLE = 0.0005;

const list = document.getElementById("moved");

let layer = null;

// Makes room in a picture, below the marks of the regions.
export function begin(picture) {
  layer = svg("g", { class: "flows" });
  const head = svg("marker", { id: "flow-head", viewBox: "0 0 10 10", refX: 7, refY: 5, markerWidth: 18, markerHeight: 18, markerUnits: "userSpaceOnUse", orient: "auto" });
  head.append(svg("path", { d: "M0 0 10 5 0 10z" }));
  picture.querySelector("defs").append(head);
  picture.querySelector(".regions").before(layer);
}

// Shows the ways, and returns whether there are any. `isOut` says whether a region is down: clients who are there all the
// same fail open.
export function show(moved, isOut) {
  const ways = Object.entries(moved).map(([home, away]) => [home, away.filter(([, part]) => part > NEGLIGIBLE)]);
  const told = ways.filter(([, away]) => away.length > 0);
  list.replaceChildren(...told.map(([home, away]) => element("li", {}, element("b", {}, `Clients of ${home}: `), sentence(away, isOut(home)))));
  const arrows = told.flatMap(([home, away]) => {
    const drawn = away.filter(([, part]) => part >= WORTH_AN_ARROW).slice(0, MAX_ARROWS);
    return drawn.map(([to, part]) => arrow(home, to, part)).filter(Boolean);
  });
  layer.replaceChildren(...arrows.flat());
  return arrows.length > 0;
}

function sentence(away, isOut) {
  const whole = away.reduce((sum, [, part]) => sum + part, 0);
  const parts = away.map(([region, part]) => `${percent(part, 1)} go to ${region}`).join(", ");
  const left = 1 - whole;
  return left > NEGLIGIBLE * 10 ? `${parts}, ${percent(left, 1)} stay${isOut ? " although it is down (fail open)" : ""}` : parts;
}

// An arrow over a wider one in the colour of the ground, so that it is seen on every fill.
function arrow(home, to, part) {
  const [from, end] = [place(home), place(to)];
  if (!from || !end) return null;
  const [dx, dy] = [end.x - from.x, end.y - from.y];
  const length = Math.hypot(dx, dy) || 1;
  // It bends to one side, so that ways there and back are two, and ends before the mark.
  const bend = { x: from.x + dx / 2 + dy * 0.18, y: from.y + dy / 2 - dx * 0.18 };
  const tip = { x: end.x - (dx / length) * 20, y: end.y - (dy / length) * 20 };
  const d = `M${from.x} ${from.y}Q${bend.x.toFixed(0)} ${bend.y.toFixed(0)} ${tip.x.toFixed(0)} ${tip.y.toFixed(0)}`;
  const width = 3 + 5 * part;
  const line = svg("path", { class: "way", d, "stroke-width": width, "marker-end": "url(#flow-head)" });
  line.append(svg("title", {}, `${percent(part, 1)} of the clients of ${home} go to ${to}`));
  return [svg("path", { class: "casing", d, "stroke-width": width + 4 }), line];
}

function place(region) {
  const mark = document.getElementById(`mark-${region}`);
  const [, x, y] = /translate\(([-\d.]+) ([-\d.]+)\)/.exec(mark?.getAttribute("transform") ?? "") ?? [];
  return x === undefined ? null : { x: Number(x), y: Number(y) };
}
