// What an operator does to a region: asked for, predicted, and only then done.

import { ask, refusal } from "/page/stream.js";

const dialog = document.getElementById("act");
const form = dialog.querySelector("form");
const answer = document.getElementById("act-answer");
const confirm = document.getElementById("act-confirm");
const predict = document.getElementById("act-predict");

// What each deed needs to know, and what is said of it.
const DEEDS = {
  shift: {
    title: (region) => `Shift clients away from ${region}`,
    help: "They go to the next region that may have them, and come back when the time is over.",
    fields: ["percent", "for", "reason"],
  },
  drain: {
    title: (region) => `Drain ${region}`,
    help: "Nobody new is sent there; it is over when the last resolver has forgotten its addresses.",
    fields: ["for", "reason"],
  },
  failback: {
    title: (region) => `Let ${region} back`,
    help: "A region that is held or quarantined takes its clients back, share by share.",
    fields: [],
  },
};

let current = null;

export function open(kind, region) {
  const deed = DEEDS[kind];
  current = { kind, region };
  document.getElementById("act-heading").textContent = deed.title(region);
  document.getElementById("act-help").textContent = deed.help;
  for (const field of form.querySelectorAll("[data-field]")) {
    const isAsked = deed.fields.includes(field.dataset.field);
    field.hidden = !isAsked;
    field.querySelector("input").disabled = !isAsked;
  }
  answer.hidden = true;
  // There is nothing to predict of a failback: its ramp has gates of its own.
  predict.hidden = kind === "failback";
  confirm.disabled = kind !== "failback";
  dialog.showModal();
}

// What was predicted holds only for what was asked.
form.addEventListener("input", () => {
  confirm.disabled = current.kind !== "failback";
  answer.hidden = true;
});

form.addEventListener("submit", async (event) => {
  const button = event.submitter?.value;
  if (button === "cancel") return;
  event.preventDefault();
  const isDryRun = button === "predict" || (!predict.hidden && confirm.disabled);
  predict.disabled = confirm.disabled = true;
  try {
    await send(isDryRun);
  } catch (error) {
    tell(`the server cannot be asked: ${error.message}`, true);
  } finally {
    predict.disabled = false;
  }
});

async function send(isDryRun) {
  const response = current.kind === "failback" ? await failBack() : await intend(isDryRun);
  if (!response.ok) return tell(await why(response), true);
  if (!isDryRun) return dialog.close();
  showPrediction(await response.json());
}

function failBack() {
  // The name stands in the log until the server knows it from the token.
  const headers = { "Meridian-Author": "page" };
  return ask(`/failback/${encodeURIComponent(current.region)}`, { method: "POST", headers });
}

function intend(isDryRun) {
  const fields = Object.fromEntries(new FormData(form));
  if (fields.percent) fields.percent = Number(fields.percent);
  const body = JSON.stringify({ ...current, ...fields, dry_run: isDryRun });
  return ask("/intents", { method: "POST", headers: { "Content-Type": "application/json" }, body });
}

async function why(response) {
  switch (response.status) {
    case 401: return "The token is not known here. Enter another one at the top of the page.";
    case 403: return `The token may not do this: ${await refusal(response)}`;
    case 404:
    case 405: return "This server takes no such orders.";
    default: return refusal(response);
  }
}

function showPrediction({ prediction, violations = [] }) {
  const broken = violations.map((violation) => `✗ ${violation.text ?? violation.rule ?? violation}`);
  const advice = broken.length ? ["", "It is refused. The command line can override a rule, with a reason."] : [];
  tell([prediction, ...broken, ...advice].join("\n"), broken.length > 0);
  confirm.disabled = broken.length > 0;
  if (!confirm.disabled) confirm.focus();
}

function tell(text, isBad) {
  answer.textContent = text;
  answer.dataset.bad = isBad;
  answer.hidden = false;
}
