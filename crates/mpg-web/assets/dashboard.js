"use strict";

// Pages work without this: it logs in by a link, keeps what is shown new, and spares a page load.

function localTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    const today = at.toDateString() === new Date().toDateString();
    time.title = at.toLocaleString();
    time.textContent = today ? at.toLocaleTimeString() : at.toLocaleString();
  }
}

function say(text) {
  const said = document.getElementById("said");
  if (!said) return;
  said.textContent = text;
  said.hidden = text === "";
}

function line(text) {
  const line = document.getElementById("line");
  if (line) line.textContent = text;
}

// What is in the address behind `#` is never sent: no log and no proxy sees the link's secret.
function login(form) {
  const shown = location.hash.slice(1);
  if (!shown) return;
  history.replaceState(null, "", location.pathname);
  form.elements.token.value = shown;
  form.submit();
}

let fetching = false;
let stale = false;

async function refresh() {
  if (document.hidden || fetching) {
    stale = true;
    return;
  }
  fetching = true;
  stale = false;
  try {
    const answer = await fetch(location.href, { redirect: "manual" });
    if (!answer.ok) {
      // The session is over, or what is shown is forgotten: the page says which.
      if (answer.type === "opaqueredirect" || answer.status === 404) location.reload();
      return;
    }
    const next = new DOMParser().parseFromString(await answer.text(), "text/html");
    localTimes(next);
    for (const part of document.querySelectorAll("[data-part]")) {
      const news = next.getElementById(part.id);
      if (news && news.innerHTML !== part.innerHTML) replace(part, news);
    }
  } catch {
    stale = true;
  } finally {
    fetching = false;
  }
}

function replace(part, news) {
  const root = document.scrollingElement;
  const atEnd = part.querySelector(".transcript") && root.scrollTop > 0 &&
    root.scrollHeight - root.scrollTop - root.clientHeight < 80;
  const open = [...part.querySelectorAll("details[id][open]")].map((one) => one.id);
  const written = [...part.querySelectorAll("textarea[id], input[id]")]
    .filter((one) => one.value !== one.defaultValue || one.checked !== one.defaultChecked);
  const focused = part.contains(document.activeElement) ? document.activeElement : null;
  const link = focused && focused.getAttribute("href");
  part.replaceChildren(...news.childNodes);
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  for (const { id, value, checked } of written) {
    const one = document.getElementById(id);
    if (one) Object.assign(one, { value, checked });
  }
  if (focused && focused.id) document.getElementById(focused.id)?.focus();
  else if (link) part.querySelector(`a[href="${CSS.escape(link)}"]`)?.focus();
  if (atEnd) root.scrollTop = root.scrollHeight;
}

function follow(address) {
  const source = new EventSource(address);
  source.onopen = () => { line("live"); refresh(); };
  source.onmessage = refresh;
  source.onerror = () => line("not connected; trying again");
  document.addEventListener("visibilitychange", () => { if (stale) refresh(); });
}

// What tells a message from the next one, so that one that is sent twice is said once.
function fresh() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// What a turn writes, while it does.
function write(part) {
  const source = new EventSource(part.dataset.stream);
  source.onmessage = (event) => {
    const page = new DOMParser().parseFromString(event.data, "text/html");
    const root = document.scrollingElement;
    const atEnd = root.scrollHeight - root.scrollTop - root.clientHeight < 80;
    part.replaceChildren(...page.body.childNodes);
    if (atEnd) root.scrollTop = root.scrollHeight;
  };
}

async function act(form) {
  const question = form.dataset.confirm;
  if (question && !confirm(question)) return;
  const body = new URLSearchParams(new FormData(form));
  try {
    const answer = await fetch(form.action, { method: "POST", body });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const words = page.querySelector("[data-said]") || page.querySelector(".refusal");
    // What leads back to the page itself was done, and is seen there.
    const isSeen = answer.ok && answer.redirected;
    say(words ? words.textContent : isSeen ? "" : "not done");
    if (answer.ok) {
      form.reset();
      if (form.elements.key) form.elements.key.value = fresh();
    }
  } catch {
    say("the gateway does not answer");
  }
  refresh();
}

localTimes(document);
const form = document.getElementById("login");
if (form) {
  login(form);
  // A link that is opened where somebody is asked already changes nothing but what is behind `#`.
  addEventListener("hashchange", () => login(form));
}
if (document.body.dataset.live) follow(document.body.dataset.live);
for (const part of document.querySelectorAll("[data-stream]")) write(part);
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  if (!event.target.matches("textarea[data-enter]")) return;
  event.preventDefault();
  event.target.form.requestSubmit();
});
document.addEventListener("submit", (event) => {
  if (!event.target.matches("form[data-act]")) return;
  event.preventDefault();
  act(event.target);
});
