// The last hour of each region, drawn as small lines beside the numbers of now.

import { ask } from "/ui/stream.js";
import { duration, milliseconds, percent, svg } from "/ui/words.js";

const [WIDTH, HEIGHT] = [90, 16];

// A line has room for an hour, and while fewer samples are known for ten minutes at least; it ends at the right.
const [SHORTEST, HOUR] = [600, 3600];

export const count = (number) => (number === null || number === undefined ? "–" : Number(number.toFixed(number < 10 ? 1 : 0)).toString());

// What is drawn: the samples, how they are written, and the least height of the scale.
const KINDS = {
  share: { of: (trend) => trend.share, told: (value) => percent(value, 1), name: "share of its clients", top: 1 },
  queries: { of: (trend) => trend.queries_per_second, told: count, name: "queries a second", top: 1 },
  load: { of: (trend) => trend.load, told: (value) => percent(value, 0), name: "load", top: 1 },
  p95: { of: (trend) => trend.p95_latency_seconds, told: milliseconds, name: "p95", top: 0.05 },
};

let trends = new Map();
let kept = { step_seconds: 20 };

// Asks for the last hour, and again with every sample while somebody looks; `shown` is told of it.
export async function follow(shown) {
  for (;;) {
    if (document.visibilityState === "visible") {
      const response = await ask("/trends").catch(() => null);
      if (response?.ok) {
        kept = await response.json();
        trends = new Map(kept.regions.map((trend) => [trend.region, trend]));
        shown();
      }
    }
    await new Promise((resume) => setTimeout(resume, kept.step_seconds * 1000));
  }
}

// Returns the last queries a second of a region.
export function queries(region) {
  return trends.get(region)?.queries_per_second.at(-1) ?? null;
}

export class Spark {
  constructor(kind, region) {
    this.kind = KINDS[kind];
    this.region = region;
    this.area = svg("path", { class: "area" });
    this.line = svg("path", { class: "line" });
    this.title = svg("title");
    this.picture = svg("svg", { class: "spark", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" });
    this.picture.append(this.title, this.area, this.line);
    this.show();
  }

  show() {
    const trend = trends.get(this.region);
    const values = trend ? this.kind.of(trend) : [];
    const known = values.filter((value) => value !== null);
    this.picture.toggleAttribute("hidden", known.length < 2);
    if (known.length < 2) return;
    const [least, most] = [Math.min(...known), Math.max(...known)];
    const { name, told, top } = this.kind;
    const span = duration(Math.max(values.length - 1, 1) * kept.step_seconds * 1000);
    this.title.textContent = `${name} of ${this.region} in the last ${span}: ${told(least)} to ${told(most)}, last ${told(known.at(-1))}`;
    this.picture.setAttribute("aria-label", this.title.textContent);
    const runs = runsOf(values, Math.max(most, top));
    this.line.setAttribute("d", runs.map((run) => `M${run.join("L")}`).join(""));
    this.area.setAttribute("d", runs.map((run) => `M${run[0].split(" ")[0]} ${HEIGHT}L${run.join("L")}V${HEIGHT}z`).join(""));
  }
}

// Returns the points of each run of known values; the last sample is at the right end.
function runsOf(values, top) {
  const [fewest, most] = [SHORTEST, HOUR].map((seconds) => Math.round(seconds / kept.step_seconds) - 1);
  const slots = Math.min(Math.max(values.length - 1, fewest), most);
  const runs = [[]];
  values.forEach((value, index) => {
    if (value === null) return runs.at(-1).length && runs.push([]);
    const x = WIDTH - ((values.length - 1 - index) / slots) * WIDTH;
    const y = HEIGHT - 1 - (value / top) * (HEIGHT - 2);
    runs.at(-1).push(`${x.toFixed(1)} ${y.toFixed(1)}`);
  });
  return runs.filter((run) => run.length > 0);
}
