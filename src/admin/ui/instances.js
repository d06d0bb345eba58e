// The instances that judge health together: whether each is heard, and what they see differently.

import { age, element } from "/ui/words.js";

const panel = document.getElementById("instances-panel");
const list = document.getElementById("instances");
const views = document.getElementById("views");

let known = "";

export function show({ server, version, peers = [], regions }) {
  panel.hidden = peers.length === 0;
  const next = JSON.stringify([server, version, peers, regions.map(({ ipv4, ipv6 }) => [ipv4.observers, ipv6.observers])]);
  if (next === known) return;
  known = next;
  list.replaceChildren(line(server, "heard", "this instance", version), ...peers.map(peer));
  const told = regions.flatMap(({ name, ipv4, ipv6 }) => [["IPv4", ipv4], ["IPv6", ipv6]]
    .filter(([, family]) => family.observers)
    .map(([word, family]) => element("li", {}, element("b", {}, `${name} (${word})`), ` is seen ${family.observers}`)));
  const alike = peers.every(({ state }) => state === "heard") ? "All see every region alike." : "Those that are heard see every region alike.";
  views.replaceChildren(...(told.length ? told : [element("li", { class: "none" }, alike)]));
}

function peer({ name, state, since, trouble, version, region, same_configuration }) {
  const notes = [
    trouble,
    same_configuration === false && "its configuration is another one",
    region && `runs in ${region}`,
  ].filter(Boolean);
  return line(name, state, `${state} for ${age(since)}`, version, notes);
}

function line(name, state, said, version, notes = []) {
  const head = element("div", {}, element("b", {}, name), " ", element("span", { class: "word" }, said));
  const small = [version, ...notes].filter(Boolean).join(" · ");
  return element("li", { "data-state": state }, head, element("small", {}, small));
}
