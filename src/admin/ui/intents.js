// The intents in force and what the machine advises, as the state has them.

import { duration, element, say } from "/ui/words.js";
import { open as act } from "/ui/act.js";

const list = document.getElementById("intents");

let known = "";
let waits = [];

// Shows them. Nothing is drawn anew that has not changed, so that the focus stays where it is.
export function show(intents, proposals) {
  const next = JSON.stringify([intents, proposals]);
  if (next === known) return;
  known = next;
  waits = [];
  const items = [...proposals.map(advice), ...intents.map(intent)];
  list.replaceChildren(...(items.length ? items : [element("li", { class: "none" }, "None.")]));
  tick();
}

// Tells how much time is left.
export function tick() {
  for (const { left, until } of waits) say(left, `${duration(until - Date.now())} left`);
}

function intent(intent) {
  const left = element("span", { class: "left" }, "until it is lifted");
  if (intent.until) waits.push({ left, until: Date.parse(intent.until) });
  const rules = intent.override.length ? `, breaking ${intent.override.join(" and ")} on purpose` : "";
  const who = element("small", {}, `${intent.author}${rules}: ${intent.reason}`);
  const state = element("small", {}, element("span", { class: "word" }, intent.state), " · ", left, ` · number ${intent.number}`);
  const why = intent.why ? [element("small", { class: "why" }, intent.why)] : [];
  const told = element("div", {}, element("code", {}, intent.intent), who, state, ...why);
  const { number, intent: text } = intent;
  return element("li", { "data-state": intent.state, "data-number": number }, told, button("Lift", `Lift intent ${number}`, () => act("lift", { number, text })));
}

function advice({ number, region, text }) {
  const told = element("div", {}, element("b", {}, `The server advises that ${region} leaves`), element("small", {}, `proposal ${number}: ${text}`));
  return element("li", { "data-state": "proposed", "data-number": number }, told, button("Approve", `Approve proposal ${number}`, () => act("approve", { number, region, text })));
}

function button(word, label, run) {
  const made = element("button", { class: "act", "aria-label": label }, word);
  made.addEventListener("click", run);
  return made;
}
