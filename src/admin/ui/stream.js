// Talks to the server: every request carries the token, if there is one, and the live stream is
// read with fetch() because EventSource cannot send headers.

const TOKEN = "meridian-token";
const AUTHOR = "meridian-author";

// The server says something every 15 s; twice that and a little more, and the connection is dead.
const SILENCE = 35_000;

// The pauses between attempts to connect again: short at first, for a restart, and never so short
// for long that a hundred browsers keep a server from starting.
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 30_000;

// The token lives as long as the tab: the next person at this machine has to bring one.
export function token() {
  return sessionStorage.getItem(TOKEN) ?? "";
}

export function setToken(value) {
  if (value) sessionStorage.setItem(TOKEN, value);
  else sessionStorage.removeItem(TOKEN);
}

// The name that somebody goes by, where several people share a token.
export function author() {
  return sessionStorage.getItem(AUTHOR) ?? "";
}

export function setAuthor(name) {
  sessionStorage.setItem(AUTHOR, name);
}

let refused = () => {};

// Says what is done when the token that was in use is no longer known.
export function onRefusal(then) {
  refused = then;
}

// Asks the server, with the token in use or with another one.
export async function ask(path, { token: other, ...options } = {}) {
  const headers = new Headers(options.headers);
  const used = other ?? token();
  if (used) headers.set("Authorization", `Bearer ${used}`);
  const isChange = options.method && options.method !== "GET";
  if (isChange && author()) headers.set("Meridian-Author", latin(author()));
  const response = await fetch(path, { ...options, headers, cache: "no-store" });
  if (response.status === 401 && used && !other && used === token()) refused();
  return response;
}

// Headers take octets, which fetch() gives as characters: these are those of UTF-8.
function latin(text) {
  return String.fromCharCode(...new TextEncoder().encode(text));
}

// Returns what a server that refuses says: `error`, a sentence, and for some changes `violations` and `forecast`.
export async function failure(response) {
  const text = (await response.text()).trim();
  if (response.headers.get("Content-Type")?.startsWith("application/json")) return JSON.parse(text);
  const isShort = text && text.length < 500;
  return { error: isShort ? text : `the server refuses (${response.status} ${response.statusText})` };
}

// The same, only the sentence.
export async function refusal(response) {
  return (await failure(response)).error;
}

// Reads the stream for ever. `on` has a function for each event by its name, and `connection`, which
// is told "live", or "broken" with the reason.
export class Stream {
  constructor(on) {
    this.on = on;
    this.pause = FIRST_PAUSE;
    this.lastId = "";
    this.turns = 0;
  }

  // Starts, or starts anew, for example with another token.
  async start() {
    const turn = ++this.turns;
    this.abort?.abort();
    while (turn === this.turns) {
      const reason = await this.read(turn).catch((error) => error.message);
      if (turn !== this.turns) return;
      this.on.connection("broken", reason);
      // A different pause for each browser: they have all lost the same server at the same time.
      await new Promise((done) => setTimeout(done, this.pause * (0.5 + Math.random() / 2)));
      this.pause = Math.min(this.pause * 2, LONGEST_PAUSE);
    }
  }

  // Forgets the numbers of events: they hold within one life of the server.
  forget() {
    this.lastId = "";
  }

  // Reads one connection to its end, and returns why it ended.
  async read(turn) {
    this.abort = new AbortController();
    const headers = this.lastId ? { "Last-Event-ID": this.lastId } : {};
    const response = await ask("/events", { headers, signal: this.abort.signal });
    if (!response.ok) return refusal(response);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { value, done } = await this.patiently(reader);
      if (done) return "the server ended the stream";
      if (turn !== this.turns) return "";
      this.pause = FIRST_PAUSE;
      this.on.connection("live");
      const messages = (text + value).split("\n\n");
      text = messages.pop();
      messages.forEach((message) => this.take(message));
    }
  }

  // Reads on, unless nothing has come for too long.
  async patiently(reader) {
    const timer = setTimeout(() => this.abort.abort(), SILENCE);
    try {
      return await reader.read();
    } finally {
      clearTimeout(timer);
    }
  }

  take(message) {
    const fields = {};
    for (const line of message.split("\n")) {
      const colon = line.indexOf(": ");
      if (colon > 0) fields[line.slice(0, colon)] = line.slice(colon + 2);
    }
    if (fields.id) this.lastId = fields.id;
    if (fields.event && fields.data) this.on[fields.event]?.(JSON.parse(fields.data));
  }
}
