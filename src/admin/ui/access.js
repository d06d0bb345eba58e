// The token of whoever looks: tried before it is used, so that a wrong one takes nothing away from reading.

import { ask, onRefusal, setToken, token } from "/ui/stream.js";
import { say } from "/ui/words.js";

const form = document.getElementById("token");
const field = document.getElementById("token-value");
const caller = document.getElementById("caller");

// Begins with the token of this tab; `changed` is called when another one is used, or none.
export function begin(changed) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    use(field.value.trim(), changed);
  });
  onRefusal(() => {
    setToken("");
    tell("The token is no longer accepted, and was forgotten; you can still read", true);
    showRole(null);
    changed();
  });
  showCaller();
}

async function use(candidate, changed) {
  if (!candidate) {
    setToken("");
    await showCaller();
    return changed();
  }
  const response = await ask("/whoami", { token: candidate }).catch(() => null);
  if (response?.ok) {
    setToken(candidate);
    field.value = "";
    showRole(await response.json());
    return changed();
  }
  field.select();
  if (response?.status === 401) tell("This token is not known, and is not used; you see what you saw before", true);
  else if (response?.status === 429) tell("Too many wrong tokens were tried just now; wait a second", true);
  else tell("The server cannot be asked; the token is not used", true);
}

async function showCaller() {
  const response = await ask("/whoami").catch(() => null);
  showRole(response?.ok ? await response.json() : null);
}

// Shows what may be done only to those who may.
function showRole(who) {
  field.placeholder = token() ? "in use; empty to forget" : "read only without one";
  document.body.classList.toggle("may-act", who?.role === "operate");
  if (who && who.via !== "loopback") tell(`${who.name} may ${who.role}`, false);
  else if (caller.dataset.bad !== "true" || who) tell("", false);
}

function tell(sentence, isBad) {
  caller.dataset.bad = isBad;
  field.setAttribute("aria-invalid", String(isBad));
  say(caller, sentence);
}
