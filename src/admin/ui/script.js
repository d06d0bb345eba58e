// The page: takes what the stream says, and shows it in its parts.

import { Stream, ask } from "/ui/stream.js";
import * as access from "/ui/access.js";
import * as explain from "/ui/explain.js";
import * as instances from "/ui/instances.js";
import * as map from "/ui/map.js";
import * as regions from "/ui/regions.js";
import * as incidents from "/ui/incidents.js";
import * as intents from "/ui/intents.js";
import * as sparks from "/ui/sparks.js";
import { clock, duration, element, say } from "/ui/words.js";

// As many events as the server keeps.
const MAX_EVENTS = 200;

const SEVERITIES = ["info", "warning", "critical"];

const at = (id) => document.getElementById(id);

let overview = null;
let atlasOf = "";
let lastHeard = 0;
let connection = "connecting";
let brokenBy = "";
let hasLoads = false;
let world = "";

const stream = new Stream({
  connection: (state, reason = "") => {
    if (state === "live") lastHeard = Date.now();
    connection = state;
    brokenBy = reason;
    showConnection();
  },
  state: showOverview,
  event: showEvent,
});

// The state of everything.

function showOverview(next) {
  // Numbers start anew with each life of the server.
  if (overview && overview.started_at !== next.started_at) startAnew();
  const isOtherWorld = names(next) !== world;
  world = names(next);
  overview = next;
  say(at("server"), next.server);
  say(at("snapshot"), `snapshot ${next.snapshot.number} · ${next.version}`);
  document.title = `${next.incidents.length ? `(${next.incidents.length}) ` : ""}${next.server} · Meridian`;
  incidents.show(next);
  regions.show(next.regions, next.intents, next.load_limits);
  intents.show(next.intents, next.proposals);
  instances.show(next);
  attribute(next.location_database);
  if (isOtherWorld) return showWorld(next);
  map.showRegions(next.regions);
  showAtlas();
}

function startAnew() {
  at("timeline").replaceChildren();
  atlasOf = "";
  stream.forget();
  stream.start();
}

// Names the source of locations, with a link, as its licence asks.
function attribute(database) {
  for (const link of document.querySelectorAll("[data-database]")) {
    link.hidden = !link.dataset.database.split(" ").some((kind) => database?.startsWith(kind));
  }
}

// What only another configuration changes, and whether the picture has to leave room for loads.
function names({ names, regions }) {
  hasLoads ||= regions.some((region) => region.vitals.load !== null);
  return JSON.stringify([names, regions.map((region) => region.name), hasLoads]);
}

async function showWorld({ names }) {
  const chosen = at("name").value;
  at("name").replaceChildren(...names.map((name) => element("option", { value: name }, name.replace(/\.$/, ""))));
  if (names.includes(chosen)) at("name").value = chosen;
  explain.suggest(names[0] ?? "");
  if (await map.load()) {
    map.showRegions(overview.regions);
    atlasOf = "";
    showAtlas();
  }
}

async function showAtlas() {
  const name = at("name").value;
  const wanted = `${overview.snapshot.number} ${name}`;
  if (atlasOf === wanted) return;
  atlasOf = wanted;
  const response = await ask(`/atlas?name=${encodeURIComponent(name)}`).catch(() => null);
  if (response?.ok) map.showAtlas(await response.json());
  // The next state asks again.
  else atlasOf = "";
}

// What happens.

function showEvent(event) {
  const list = at("timeline");
  if (list.querySelector(`[data-number="${Number(event.number)}"]`)) return;
  const time = element("time", { datetime: event.time, title: event.time }, clock(event.time));
  const told = element("span", { class: "text" }, event.text);
  const item = element("li", { "data-severity": event.severity, "data-number": event.number },
    time, element("span", { class: "severity" }, event.severity), told);
  if (event.author && !event.text.includes(event.author)) told.append(element("small", {}, ` by ${event.author}`));
  filter(item);
  list.prepend(item);
  while (list.children.length > MAX_EVENTS) list.lastChild.remove();
}

function filter(item) {
  item.hidden = SEVERITIES.indexOf(item.dataset.severity) < SEVERITIES.indexOf(at("severity").value);
}

// Whether what is shown is true.

function showConnection() {
  const isBroken = connection === "broken";
  at("live").dataset.state = connection;
  say(at("live"), isBroken ? `no connection${brokenBy ? `: ${brokenBy}` : ""}` : connection);
  // Apart from the state, which is read out when it changes: this changes every second.
  const old = lastHeard ? `what you see is ${duration(Date.now() - lastHeard)} old` : "nothing was heard yet";
  say(at("age"), isBroken ? old : "");
}

// What people do.

at("name").addEventListener("change", showAtlas);
at("severity").addEventListener("change", () => [...at("timeline").children].forEach(filter));

setInterval(() => {
  if (connection !== "live") showConnection();
  incidents.tick();
  regions.tick();
  intents.tick();
}, 1_000);

access.begin(() => stream.start());
sparks.follow(regions.showTrends);
stream.start();
