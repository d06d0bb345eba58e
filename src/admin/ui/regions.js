// The list of regions: a row for each, which opens to its zones, addresses and canaries.

import { age, both, element, mark, milliseconds, percent, say } from "/ui/words.js";
import { open as act } from "/ui/act.js";
import * as details from "/ui/details.js";
import { LoadBar } from "/ui/load.js";
import { Spark, count, queries } from "/ui/sparks.js";

const body = document.getElementById("regions");
const rows = new Map();

// Shows how the regions stand. Rows are kept, so that the focus stays where it is.
export function show(regions, intents, limits) {
  const names = new Set(regions.map((region) => region.name));
  for (const [name, row] of rows) {
    if (!names.has(name)) forget(name, row);
  }
  for (const region of regions) {
    const row = rows.get(region.name) ?? begin(region.name);
    update(row, region, intents.filter(({ target }) => target?.split("/")[0] === region.name), limits);
    if (!row.details.hidden) details.refresh(region.name, row);
  }
}

// Tells how long they have stood as they do.
export function tick() {
  for (const { texts, since } of rows.values()) say(texts.since, since ? age(since) : "–");
}

// Draws the last hour.
export function showTrends() {
  for (const [name, { sparks, texts }] of rows) {
    sparks.forEach((spark) => spark.show());
    say(texts.queries, count(queries(name)));
  }
}

function forget(name, row) {
  row.line.remove();
  row.details.remove();
  rows.delete(name);
}

// Those with a line of the last hour.
const DRAWN = ["share", "queries", "load", "p95"];

const COLUMNS = [
  ["state", "State"], ["since", "Since"], ["share", "Share"], ["queries", "Queries/s"], ["load", "Load"], ["p95", "p95"],
  ["errors", "Errors"], ["away", "Away"], ["up", "Up"],
];

function begin(name) {
  const toggle = element("button", { class: "toggle", "aria-expanded": "false", "aria-controls": `details-${name}` });
  const [shape, law] = [mark("unknown"), element("small")];
  toggle.append(shape, name, " ", law);
  const cells = Object.fromEntries(COLUMNS.map(([key, label]) => [
    key, element("td", { class: `${key} ${["state", "load"].includes(key) ? "" : "number"}`, "data-label": label }),
  ]));
  const bar = new LoadBar(name);
  cells.load.append(bar.picture);
  const texts = Object.fromEntries(COLUMNS.map(([key]) => [key, element("span")]));
  for (const [key, cell] of Object.entries(cells)) cell.append(texts[key]);
  const sparks = DRAWN.map((kind) => {
    const spark = new Spark(kind, name);
    cells[kind].append(spark.picture);
    return spark;
  });
  const line = element("tr", { id: `region-${name}` }, element("th", { scope: "row" }, toggle));
  const [notes, wanted] = [element("ul", { class: "notes", id: `notes-${name}` }), element("small", { class: "wanted" })];
  cells.state.append(wanted, notes);
  line.append(...Object.values(cells), actions(name));
  const inside = element("td", { colspan: COLUMNS.length + 2 });
  const more = element("tr", { id: `details-${name}`, class: "details", hidden: "" }, inside);
  body.append(line, more);
  const failback = line.querySelector("[data-deed=failback]");
  const row = { line, details: more, inside, toggle, shape, law, cells, texts, sparks, notes, wanted, failback, bar, asked: 0 };
  toggle.addEventListener("click", () => unfold(name, row));
  rows.set(name, row);
  return row;
}

// A menu that only those see who have brought a token; the server decides what it allows.
function actions(name) {
  const words = { shift: "Shift", drain: "Drain", disable: "Disable", force: "Force", drill: "Drill", failback: "Fail back" };
  const buttons = Object.entries(words).map(([kind, word]) => {
    const button = element("button", { "data-deed": kind, "aria-label": `${word} ${name}` }, word);
    button.addEventListener("click", () => {
      menu.open = false;
      act(kind, { region: name });
    });
    return button;
  });
  const menu = element("details", { class: "menu" }, element("summary", { "aria-label": `Act on ${name}` }, "Act"), element("div", {}, ...buttons));
  menu.addEventListener("focusout", ({ relatedTarget }) => {
    if (relatedTarget && !menu.contains(relatedTarget)) menu.open = false;
  });
  menu.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape") return;
    menu.open = false;
    menu.firstChild.focus();
  });
  return element("td", { class: "actions" }, menu);
}

function update(row, region, intents, limits) {
  const { cells, texts, line } = row;
  line.dataset.phase = region.phase;
  line.dataset.look = region.look;
  row.shape.firstChild.setAttribute("href", `#phase-${region.look}`);
  say(row.law, region.jurisdiction);
  say(texts.state, state(region));
  say(row.wanted, intents.map(describe).join("; "));
  row.failback.hidden = !region.awaits_failback;
  row.since = [region.ipv4, region.ipv6].filter(({ phase }) => phase === region.phase).map(({ since }) => since).sort()[0];
  say(texts.since, row.since ? age(row.since) : "–");
  cells.since.title = row.since ?? "";
  say(texts.share, both(region, (family) => percent(family.share, 1)));
  say(texts.queries, count(queries(region.name)));
  row.bar.show(region.vitals.load, limits);
  say(texts.load, percent(region.vitals.load, 0));
  say(texts.p95, milliseconds(region.vitals.p95_latency_seconds));
  say(texts.errors, percent(region.vitals.error_rate, 2));
  say(texts.away, percent(region.shed, 1));
  say(texts.up, both(region, (family) => `${family.up}/${family.total}`));
  showNotes(row, region);
}

// Says why it stands as it does, and marks the numbers that are out of line.
function showNotes({ cells, notes }, region) {
  const words = { load: "load", p95: "p95", errors: "errors", away: "away", up: "" };
  const off = new Map(region.out_of_line.map(({ number, why }) => [number, why]));
  for (const number of Object.keys(words)) {
    cells[number].classList.toggle("off", off.has(number));
    cells[number].title = off.get(number) ?? "";
  }
  const suppression = [region.ipv4.suppression, region.ipv6.suppression].find((text) => text);
  const told = [
    suppression && `stays although it is bad: ${suppression}`,
    ...region.notable_zones,
    region.blind && `blind: ${region.blind}`,
    ...[...off].map(([number, why]) => [words[number], why].filter(Boolean).join(": ")),
  ].filter(Boolean);
  const known = told.join("\n");
  if (notes.dataset.known === known) return;
  notes.dataset.known = known;
  notes.replaceChildren(...told.map((sentence) => element("li", {}, sentence)));
}

// Says what an operator wants of a region or a part of it: `drain tokyo-a`.
function describe({ intent, state }) {
  return state === "standing" ? intent : `${intent} (${state})`;
}

// Says how a region stands in a few words.
export function state(region) {
  const phases = both(region, (family) => family.phase);
  const notes = [region.grade !== "fine" && region.grade, region.blind && "blind"].filter(Boolean);
  // That it is healthy as far as canaries go is no news beside what its clients' requests say.
  return [...(phases === "healthy" && region.grade !== "fine" ? [] : [phases]), ...notes].join(", ");
}

function unfold(name, row) {
  row.details.hidden = !row.details.hidden;
  row.toggle.setAttribute("aria-expanded", String(!row.details.hidden));
  if (!row.details.hidden) details.refresh(name, row);
}
