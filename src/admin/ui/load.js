// A bar for the load of a region, with the limits at which clients are sent elsewhere.

import { percent, svg } from "/ui/words.js";

const [WIDTH, HEIGHT] = [90, 12];

// The bar has room for loads a little beyond the hard limit.
const BEYOND = 1.15;

export class LoadBar {
  constructor(region) {
    this.fill = svg("rect", { class: "fill", y: 2, height: HEIGHT - 4 });
    this.soft = svg("path", { class: "limit" });
    this.hard = svg("path", { class: "limit hard" });
    const ground = svg("rect", { class: "ground", y: 2, width: WIDTH, height: HEIGHT - 4 });
    this.picture = svg("svg", { class: "bar", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "meter", "aria-label": `load of ${region}` });
    this.picture.append(ground, this.fill, this.soft, this.hard);
  }

  // Shows a load, or nothing when it is not known.
  show(load, { soft, hard }) {
    this.picture.toggleAttribute("hidden", load === null);
    if (load === null) return;
    const scale = WIDTH / (Math.max(hard, 1) * BEYOND);
    this.fill.setAttribute("width", Math.min(load * scale, WIDTH).toFixed(1));
    this.soft.setAttribute("d", `M${(soft * scale).toFixed(1)} 0V${HEIGHT}`);
    this.hard.setAttribute("d", `M${(hard * scale).toFixed(1)} 0V${HEIGHT}`);
    this.picture.dataset.level = load > hard ? "hard" : load > soft ? "soft" : "calm";
    const values = { min: 0, max: hard * BEYOND, now: load };
    for (const [name, value] of Object.entries(values)) this.picture.setAttribute(`aria-value${name}`, value);
    this.picture.setAttribute("aria-valuetext", `${percent(load, 0)}; the soft limit is ${percent(soft, 0)}, the hard one ${percent(hard, 0)}`);
  }
}
