// How numbers and times are written, and the few ways in which the page is changed.

// A number that is not known is a dash.
const UNKNOWN = "–";

export function percent(fraction, digits) {
  if (fraction === null || fraction === undefined) return UNKNOWN;
  return `${Number((fraction * 100).toFixed(digits))}%`;
}

export function milliseconds(seconds) {
  if (seconds === null || seconds === undefined) return UNKNOWN;
  return seconds < 1 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(2)} s`;
}

export function duration(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`;
}

export function age(time) {
  return duration(Date.now() - Date.parse(time));
}

export function ago(time) {
  return `${age(time)} ago`;
}

export function clock(time) {
  return new Date(time).toISOString().slice(11, 19);
}

// Says something of both families, once when it is the same.
export function both(place, of) {
  const families = [["IPv4", place.ipv4], ["IPv6", place.ipv6]].filter(([, family]) => family.phase);
  const said = families.map(([name, family]) => [name, of(family)]);
  if (said.length === 0) return UNKNOWN;
  if (said.every(([, text]) => text === said[0][1])) return said[0][1];
  return said.map(([name, text]) => `${name} ${text}`).join(" · ");
}

// Makes an element. Whatever comes from the server is set as text or as an attribute's value.
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.map((child) => child ?? ""));
  return made;
}

// Sets a text only when it is another one, so that nothing is announced or drawn twice.
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// The same for a picture.
export function svg(name, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// The mark of a region by its look, as the map has it; the picture of the map defines the shapes.
export function mark(look) {
  return svg("svg", { class: "shape", viewBox: "-16 -16 32 32", "aria-hidden": "true" }, svg("use", { href: `#phase-${look}` }));
}
