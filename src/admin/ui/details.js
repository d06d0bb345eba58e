// What an open row has: the zones of a region, their addresses, and what canaries say of them.

import { ask, refusal } from "/ui/stream.js";
import { age, ago, both, element, milliseconds, say } from "/ui/words.js";

// What is open is asked for again no more often than this.
const EVERY = 2_000;

export async function refresh(name, row) {
  if (Date.now() - row.asked < EVERY) return;
  row.asked = Date.now();
  try {
    const response = await ask(`/status/${encodeURIComponent(name)}`);
    if (response.ok) show(row.inside, await response.json());
    else say(row.inside, await refusal(response));
  } catch (error) {
    say(row.inside, `the server cannot be asked: ${error.message}`);
  }
}

function show(place, region) {
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
