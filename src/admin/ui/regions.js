// The list of regions: a row for each, which opens to its zones, addresses and canaries.

import { ask, refusal } from "/ui/stream.js";
import { age, ago, element, milliseconds, percent, say } from "/ui/words.js";
import { open as act } from "/ui/act.js";

const SVG = "http://www.w3.org/2000/svg";

// What is open is asked for again no more often than this.
const DETAILS_EVERY = 2_000;

const body = document.getElementById("regions");
const rows = new Map();

// Shows how the regions stand. Rows are kept, so that the focus stays where it is.
export function show(regions, intents) {
  const names = new Set(regions.map((region) => region.name));
  for (const [name, row] of rows) {
    if (!names.has(name)) forget(name, row);
  }
  for (const region of regions) {
    const row = rows.get(region.name) ?? begin(region.name);
    update(row, region, intents.filter(({ target }) => target?.split("/")[0] === region.name));
    if (!row.details.hidden) refresh(region.name, row);
  }
}

function forget(name, row) {
  row.line.remove();
  row.details.remove();
  rows.delete(name);
}

const COLUMNS = [
  ["state", "State"], ["share", "Share"], ["load", "Load"], ["p95", "p95"],
  ["errors", "Errors"], ["away", "Away"], ["up", "Up"],
];

function begin(name) {
  const toggle = element("button", { class: "toggle", "aria-expanded": "false", "aria-controls": `details-${name}` });
  const shape = document.createElementNS(SVG, "svg");
  shape.setAttribute("class", "shape");
  shape.setAttribute("viewBox", "-16 -16 32 32");
  shape.setAttribute("aria-hidden", "true");
  shape.append(document.createElementNS(SVG, "use"));
  const law = element("small");
  toggle.append(shape, name, " ", law);
  const cells = Object.fromEntries(COLUMNS.map(([key, label]) => [
    key, element("td", { class: `${key} ${["state", "load"].includes(key) ? "" : "number"}`, "data-label": label }),
  ]));
  const meter = element("meter", { min: 0, max: 1, low: 0.7, high: 0.9, optimum: 0, "aria-label": `load of ${name}` });
  const load = element("span");
  cells.load.append(meter, load);
  const line = element("tr", { id: `region-${name}` }, element("th", { scope: "row" }, toggle));
  const [phase, wanted] = [element("span"), element("small", { class: "wanted" })];
  cells.state.append(phase, wanted);
  line.append(...Object.values(cells), actions(name));
  const inside = element("td", { colspan: "9" });
  const details = element("tr", { id: `details-${name}`, class: "details", hidden: "" }, inside);
  body.append(line, details);
  const failback = line.querySelector("[data-deed=failback]");
  const row = { line, details, inside, toggle, shape, law, cells, phase, wanted, failback, meter, load, asked: 0 };
  toggle.addEventListener("click", () => unfold(name, row));
  rows.set(name, row);
  return row;
}

// Buttons that only those see who have brought a token; the server decides what it allows.
function actions(name) {
  const words = { shift: "Shift", drain: "Drain", disable: "Disable", failback: "Fail back" };
  const buttons = Object.entries(words).map(([kind, word]) => {
    const button = element("button", { "data-deed": kind, "aria-label": `${word} ${name}` }, word);
    button.addEventListener("click", () => act(kind, { region: name }));
    return button;
  });
  return element("td", { class: "actions" }, ...buttons);
}

function update(row, region, intents) {
  const { cells, line } = row;
  line.dataset.phase = region.phase;
  line.dataset.look = region.look;
  row.shape.firstChild.setAttribute("href", `#phase-${region.look}`);
  say(row.law, region.jurisdiction);
  say(row.phase, state(region));
  say(row.wanted, intents.map(describe).join("; "));
  row.failback.hidden = !region.awaits_failback;
  say(cells.share, both(region, (family) => percent(family.share, 1)));
  row.meter.value = Math.min(region.vitals.load ?? 0, 1);
  row.meter.hidden = region.vitals.load === null;
  say(row.load, percent(region.vitals.load, 0));
  say(cells.p95, milliseconds(region.vitals.p95_latency_seconds));
  say(cells.errors, percent(region.vitals.error_rate, 2));
  say(cells.away, percent(region.shed, 1));
  say(cells.up, both(region, (family) => `${family.up}/${family.total}`));
}

// Says what an operator wants of a region or a part of it: `drain tokyo-a`.
function describe({ intent, state }) {
  return state === "standing" ? intent : `${intent} (${state})`;
}

// Says how a region stands; more where its zones take fewer clients, it is degraded, does not leave though it should, or
// is not seen.
export function state(region) {
  const phases = both(region, (family) => [family.phase, family.limited_zones].filter(Boolean).join(", "));
  const graded = region.grade === "fine" ? "" : `, ${region.grade}`;
  const suppression = [region.ipv4.suppression, region.ipv6.suppression].find((text) => text);
  const blind = region.blind ? `, blind (${region.blind})` : "";
  return phases + graded + (suppression ? ` (${suppression})` : "") + blind;
}

// Says something of both families, once when it is the same.
function both(region, of) {
  const families = [["IPv4", region.ipv4], ["IPv6", region.ipv6]].filter(([, family]) => family.phase);
  const said = families.map(([name, family]) => [name, of(family)]);
  if (said.length === 0) return "–";
  if (said.every(([, text]) => text === said[0][1])) return said[0][1];
  return said.map(([name, text]) => `${name} ${text}`).join(" · ");
}

function unfold(name, row) {
  row.details.hidden = !row.details.hidden;
  row.toggle.setAttribute("aria-expanded", String(!row.details.hidden));
  if (!row.details.hidden) refresh(name, row);
}

async function refresh(name, row) {
  if (Date.now() - row.asked < DETAILS_EVERY) return;
  row.asked = Date.now();
  try {
    const response = await ask(`/status/${encodeURIComponent(name)}`);
    if (response.ok) showDetails(row.inside, await response.json());
    else say(row.inside, await refusal(response));
  } catch (error) {
    say(row.inside, `the server cannot be asked: ${error.message}`);
  }
}

function showDetails(place, region) {
  const whole = region.canaries.length ? [element("h3", {}, "The region as a whole"), canaries(region.canaries)] : [];
  const zones = region.zones.flatMap((zone) => [
    element("h3", {}, zone.name, " ", element("small", {}, [both(zone, (family) => family.phase), zone.intent].filter(Boolean).join(" · "))),
    element("ul", { class: "addresses" }, ...zone.addresses.map(address)),
  ]);
  place.replaceChildren(...whole, ...zones);
}

function address(address) {
  const since = element("small", {}, `${address.state} for ${age(address.since)}`);
  const head = element("div", {}, element("code", {}, address.address), " ", since);
  return element("li", { "data-state": address.state }, head, canaries(address.canaries));
}

function canaries(list) {
  const items = list.map((canary) => element("li", { "data-state": canary.state }, `${canary.name}: ${result(canary)}`));
  return element("ul", { class: "canaries" }, ...items);
}

function result({ state, last, advisory, blind }) {
  const role = advisory === null ? "" : "advisory, ";
  if (blind) return `${role}${state}, blind for ${age(blind.since)}: ${blind.detail}`;
  if (!last) return `${role}no result yet`;
  const outcome = last.failure ? last.failure.detail : `ok in ${milliseconds(last.latency_ms / 1000)}`;
  return `${role}${state}, ${outcome}${last.slow ? ", slow" : ""}, ${ago(last.at)}`;
}
