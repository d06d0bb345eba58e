// Explains an answer: what it is, for whom, and what became of every region, in the order in which they were thought of.

import { ask, refusal } from "/ui/stream.js";
import { element } from "/ui/words.js";

const form = document.getElementById("explain");
const place = document.getElementById("explanation");

// Fills in a name where none was written yet.
export function suggest(name) {
  form.elements.name.value ||= name.replace(/\.$/, "");
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const asked = new URLSearchParams(new FormData(form));
  place.hidden = false;
  place.replaceChildren(element("p", {}, "asking …"));
  try {
    const response = await ask(`/explain?${asked}&format=json`);
    place.replaceChildren(...(response.ok ? explanation(await response.json()) : [refused(await refusal(response))]));
  } catch (error) {
    place.replaceChildren(refused(`the server cannot be asked: ${error.message}`));
  }
});

function refused(sentence) {
  return element("p", { class: "refused" }, sentence);
}

function explanation({ client, snapshot, zone, rcode, answer, scope, steering }) {
  const facts = [
    ["Answer", answer.length ? answer.map((record) => element("code", {}, record)) : [rcode]],
    ["Client", [client]],
  ];
  if (steering) {
    facts.push(["Located", [[steering.location, steering.network].filter(Boolean).join(", by ")]]);
    facts.push(["Groups", [steering.groups.join(", ") || "none"]]);
  }
  facts.push(["Scope", [scope === null ? "none" : `/${scope}: resolvers may give the answer to all clients in it`]]);
  facts.push(["From", [zone === null ? "no zone of this server" : `${zone}, snapshot ${snapshot}`]]);
  const list = element("dl", {}, ...facts.flatMap(([word, parts]) => [
    element("dt", {}, word), element("dd", {}, ...parts.flatMap((part) => [part, element("br")]).slice(0, -1)),
  ]));
  if (!steering) return [list, element("p", {}, "The name is not steered: every client gets this.")];
  const [v4, v6] = steering.outcome;
  const outcome = v4 === v6 ? v4 : `${v4} over IPv4, ${v6} over IPv6`;
  const heading = element("h3", {}, `Clients of ${steering.owner} like this one get ${outcome}. The regions in their order:`);
  return [list, heading, element("ol", { class: "reasons" }, ...steering.regions.map(reason))];
}

function reason({ region, distance_km, fates: [v4, v6] }) {
  const distance = distance_km === null ? [] : [element("small", {}, ` ${distance_km} km`)];
  const fates = v4 === v6 ? [v4] : [`IPv4: ${v4}`, `IPv6: ${v6}`];
  const isChosen = [v4, v6].some((fate) => fate.startsWith("chosen"));
  return element("li", isChosen ? { class: "chosen" } : {}, element("b", {}, region), ...distance, ...fates.map((fate) => element("div", {}, fate)));
}
