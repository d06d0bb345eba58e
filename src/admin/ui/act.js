// What an operator does: asked for, predicted, and only then done.

import { ask, failure, setAuthor, author } from "/ui/stream.js";
import { element, say } from "/ui/words.js";

const at = (id) => document.getElementById(id);

const dialog = at("act");
const form = dialog.querySelector("form");
const answer = at("act-answer");
const overrides = at("act-overrides");
const confirm = at("act-confirm");
const predict = at("act-predict");

// What each deed needs to know, what is said of it, and what the server is asked for.
const DEEDS = {
  shift: {
    title: ({ region }) => `Shift clients away from ${region}`,
    help: "They go to the next region that may have them, and come back step by step when the time is over.",
    fields: ["zone", "percent", "for", "reason"],
    action: ({ target, percent }) => ({ action: "shift", target, percent: Number(percent) }),
  },
  drain: {
    title: ({ region }) => `Drain ${region}`,
    help: "Nobody new is sent there; it is over when the last resolver has forgotten its addresses.",
    fields: ["zone", "for", "reason"],
    action: ({ target }) => ({ action: "drain", target }),
  },
  disable: {
    title: ({ region }) => `Disable ${region}`,
    help: "It is in no answer, whatever happens to the others, until this is lifted or the time is over.",
    fields: ["zone", "maybe-for", "reason"],
    action: ({ target }) => ({ action: "disable", target }),
  },
  force: {
    title: ({ region }) => `Force the health of ${region}`,
    help: "It counts as up or down whatever its canaries say, for 6 h unless it is said for how long. What was forced down comes back step by step.",
    fields: ["zone", "state", "maybe-for", "reason"],
    isOfAddresses: true,
    action: ({ target, state }) => ({ action: "force", target, state }),
  },
  drill: {
    title: ({ region }) => `Drill ${region}`,
    help: "A shift to learn from, which ends at the first alarm.",
    fields: ["zone", "percent", "for", "reason"],
    begin: { percent: "10", for: "30m" },
    action: ({ target, percent }) => ({ action: "drill", target, percent: Number(percent) }),
  },
  failback: {
    title: ({ region }) => `Let ${region} back`,
    help: "A region that is held or quarantined takes its clients back, share by share.",
    fields: [],
    send: ({ region }) => [`/failback/${encodeURIComponent(region)}`, "POST"],
  },
  lift: {
    title: ({ number }) => `Lift intent ${number}`,
    help: "The clients that it keeps away come back step by step, as far as health and capacity allow.",
    fields: ["at-once"],
    send: ({ number, at_once }) => [`/intents/${number}${at_once ? "?at_once=true" : ""}`, "DELETE"],
  },
  approve: {
    title: ({ region }) => `Let ${region} leave`,
    help: "The server advises it. The region stays away until it is well again.",
    fields: ["reason"],
    isTried: true,
    send: ({ number, reason }, isTrial) => [`/proposals/${number}/approve`, "POST", { reason, ...weighed(isTrial) }],
  },
};

let current = null;
let broken = [];

// There is nothing to predict of a return: its steps have gates of their own.
const isTried = (kind) => Boolean(DEEDS[kind].action || DEEDS[kind].isTried);

// Opens the dialog; `about` has what the deed is about: `region`, `number`.
export function open(kind, about) {
  const deed = DEEDS[kind];
  current = { kind, ...about };
  say(at("act-heading"), deed.title(about));
  say(at("act-help"), about.text ? `${about.text}. ${deed.help}` : deed.help);
  form.reset();
  for (const [name, value] of Object.entries(deed.begin ?? {})) form.elements[name].value = value;
  form.elements.author.value = author();
  for (const field of form.querySelectorAll("[data-field]")) {
    const isAsked = field.dataset.field === "author" || deed.fields.includes(field.dataset.field);
    field.hidden = !isAsked;
    field.querySelector("input, select").disabled = !isAsked;
  }
  if (deed.fields.includes("zone")) offerZones(about.region, Boolean(deed.isOfAddresses));
  forget();
  predict.hidden = !isTried(kind);
  // Enter presses the first button that submits.
  predict.type = isTried(kind) ? "submit" : "button";
  dialog.showModal();
}

async function offerZones(region, hasAddresses) {
  const select = form.elements.zone;
  select.replaceChildren(element("option", { value: "" }, `all of ${region}`));
  const response = await ask(`/status/${encodeURIComponent(region)}`).catch(() => null);
  const zones = response?.ok ? (await response.json()).zones : [];
  if (current.region !== region) return;
  const places = zones.flatMap(({ name, addresses }) => [
    ...(zones.length > 1 ? [name] : []),
    ...(hasAddresses ? addresses.map(({ address }) => `${name}/${address}`) : []),
  ]);
  select.append(...places.map((place) => element("option", { value: place }, `only ${place}`)));
}

// What was predicted holds only for what was asked.
function forget() {
  broken = [];
  overrides.replaceChildren();
  overrides.hidden = answer.hidden = true;
  say(confirm, "Do it");
  confirm.disabled = isTried(current.kind);
}

form.addEventListener("input", ({ target }) => {
  if (target.name === "override") return weigh();
  if (target.name !== "author") forget();
});

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  setAuthor(form.elements.author.value.trim());
  const isTrial = event.submitter === predict || confirm.disabled;
  predict.disabled = confirm.disabled = true;
  try {
    await send(isTrial);
  } catch (error) {
    tell(`the server cannot be asked: ${error.message}`, true);
    weigh();
  } finally {
    predict.disabled = false;
  }
});

at("act-cancel").addEventListener("click", () => dialog.close());

async function send(isTrial) {
  const deed = DEEDS[current.kind];
  const fields = { ...current, ...Object.fromEntries(new FormData(form)) };
  const [path, method, body] = deed.action ? ["/intents", "POST", wanted(deed, fields, isTrial)] : deed.send(fields, isTrial);
  const headers = body ? { "Content-Type": "application/json" } : {};
  const response = await ask(path, { method, headers, body: body && JSON.stringify(body) });
  if (!response.ok) return refuse(response);
  const told = await response.json();
  if (isTrial) return show(told);
  say(at("done"), told.text);
  dialog.close();
}

function wanted(deed, fields, isTrial) {
  const target = fields.zone ? `${fields.region}/${fields.zone}` : fields.region;
  const lasts = fields.for || fields["maybe-for"];
  return { intent: deed.action({ ...fields, target }), reason: fields.reason, ...(lasts ? { for: lasts } : {}), ...weighed(isTrial) };
}

// A rule that nobody has seen to be broken is not broken on purpose.
function weighed(isTrial) {
  return { dry_run: isTrial, override: isTrial ? [] : chosen() };
}

async function refuse(response) {
  const { error, violations = [], forecast } = await failure(response);
  if (violations.length) return show({ violations, forecast });
  tell(error, true);
  confirm.disabled = isTried(current.kind);
}

// Shows what would happen; what breaks a rule has to be chosen knowingly, rule by rule.
function show({ forecast, violations }) {
  broken = [...new Set(violations.map(({ rule }) => rule))];
  tell(forecast ?? "", broken.length > 0);
  const choices = broken.map((rule) => {
    const sentences = violations.filter((one) => one.rule === rule).map((one) => one.sentence).join("; ");
    const box = element("input", { type: "checkbox", name: "override", value: rule });
    return element("label", {}, box, element("span", {}, element("b", {}, sentences), ` — break ${rule} on purpose`));
  });
  overrides.replaceChildren(element("legend", {}, "It breaks rules of safety, and is refused unless you say so"), ...choices);
  overrides.hidden = broken.length === 0;
  weigh();
  if (!confirm.disabled) confirm.focus();
}

function chosen() {
  return [...overrides.querySelectorAll("input:checked")].map((box) => box.value);
}

// Allows what was predicted when every rule that it breaks was chosen.
function weigh() {
  confirm.disabled = answer.hidden || chosen().length < broken.length;
  say(confirm, broken.length ? "Override and do it" : "Do it");
  at("act-limit").hidden = chosen().length === 0;
}

// Sentences are wrapped, and tables are not.
function tell(text, isBad) {
  const part = (block) => element("p", { class: / {2,}\S/.test(block) ? "table" : "" }, block);
  answer.replaceChildren(...text.trim().split("\n\n").map(part));
  answer.dataset.bad = isBad;
  answer.hidden = text === "";
}
