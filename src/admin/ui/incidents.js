// The sentence on how clients fare, and below it the open incidents: a line for each, the worst first.

import { age, clock, element, say } from "/ui/words.js";

// What is read at a glance; the others are folded.
const SHOWN = 3;

// What the incident is called by that says that the configuration on disk is refused.
const REFUSED = "reload";

const summary = document.getElementById("summary");
const first = document.getElementById("incidents");
const folded = document.getElementById("more-incidents");
const rest = folded.querySelector("ol");

const lines = new Map();

// Shows them. Lines are kept, so that what is open stays open and the focus stays where it is.
export function show({ summary: sentence, incidents, problems, regions }) {
  say(summary, sentence);
  const isWhole = regions.every(({ look }) => look === "healthy" || look === "unknown");
  summary.dataset.severity = incidents[0]?.severity ?? (isWhole ? "none" : "info");
  const open = new Set(incidents.map(({ id }) => id));
  for (const [id, { item }] of lines) {
    if (open.has(id)) continue;
    item.remove();
    lines.delete(id);
  }
  incidents.forEach((incident, index) => {
    const line = lines.get(incident.id) ?? begin(incident);
    update(line, incident, incident.key === REFUSED ? problems : []);
    place(line.item, index < SHOWN ? first : rest, index < SHOWN ? index : index - SHOWN);
  });
  folded.hidden = incidents.length <= SHOWN;
  const more = incidents.length - SHOWN;
  say(folded.firstElementChild, `${more} more ${more === 1 ? "incident" : "incidents"}`);
}

// Tells how long they have stood.
export function tick() {
  for (const { length, since } of lines.values()) say(length, `for ${age(since)}`);
}

function begin({ id, since }) {
  const severity = element("b", { class: "severity" });
  const text = element("span", { class: "text" });
  const length = element("span");
  const time = element("time", { datetime: since, title: since }, `since ${clock(since)} UTC, `, length);
  const members = element("ul");
  const details = element("details", {}, element("summary", {}, severity, " ", text, " ", time), members);
  const item = element("li", { id: `incident-${id}` }, details);
  const line = { item, severity, text, length, since, members };
  lines.set(id, line);
  return line;
}

function update(line, { severity, text, members, count }, problems) {
  line.item.dataset.severity = severity;
  say(line.severity, severity);
  say(line.text, text);
  say(line.length, `for ${age(line.since)}`);
  const told = [...members.map((member) => `${clock(member.since)}  ${member.text}`), ...problems];
  if (count > members.length) told.push(`and ${count - members.length} more conditions`);
  const known = told.join("\n");
  if (line.known === known) return;
  line.known = known;
  line.members.replaceChildren(...told.map((sentence) => element("li", {}, sentence)));
}

function place(item, list, index) {
  const there = list.children[index];
  if (there !== item) list.insertBefore(item, there ?? null);
}
