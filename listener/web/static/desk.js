// Small things: parts that renew themselves, parts that come from another page, charts that say their figures, keys and
// their list. Every page works without them.
"use strict";

(() => {
  const at = document.body.dataset.liveAt;
  const told = document.getElementById("link");

  // Renewing: each [data-live] part is replaced by the same part of the page as it is now, unless somebody is at it.
  const busy = (part) =>
    part.contains(document.activeElement) && document.activeElement.matches("input, select, textarea") ||
    [...part.querySelectorAll("input:not([type=hidden]), textarea")].some((field) => field.value !== field.defaultValue) ||
    [...part.querySelectorAll("select")].some((field) => field.selectedIndex > 0 && !field.options[field.selectedIndex].defaultSelected);

  let renewing = false;
  const renew = async () => {
    if (renewing || document.hidden || !document.querySelector("[data-live]")) return;
    renewing = true;
    try {
      const answer = await fetch(location.pathname, { credentials: "same-origin", redirect: "manual" });
      if (answer.type === "opaqueredirect" || answer.status === 401) return location.assign("/sign-in");
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of document.querySelectorAll("[data-live]")) {
        const other = fresh.getElementById(part.id);
        if (!other || busy(part)) continue;
        const held = part.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
        for (const box of part.querySelectorAll("details[id]")) {
          const same = other.querySelector(`#${CSS.escape(box.id)}`);
          if (same) same.open = box.open;
        }
        part.replaceWith(other);
        fill(other);
        if (held) other.querySelector(`a[href="${CSS.escape(held)}"]`)?.focus();
      }
    } catch { /* the next word, or the next minute, brings it */ } finally { renewing = false; }
  };

  if (at && document.querySelector("[data-live]")) {
    let asking = 0;
    const poll = (on) => {
      if (on && !asking) asking = setInterval(renew, 15000);
      if (!on && asking) { clearInterval(asking); asking = 0; }
      if (told) told.textContent = on ? "Renewed every 15 seconds" : "Live";
    };
    let stream = null; // a session has one: the page that is looked at takes it, the others ask by themselves
    const listen = () => {
      if (!window.EventSource) return poll(true);
      if (stream || document.hidden) return;
      stream = new EventSource(at);
      stream.addEventListener("open", () => { poll(false); });
      stream.addEventListener("error", () => { poll(true); });
      stream.addEventListener("moved", () => { setTimeout(renew, Math.random() * 300); });
      stream.addEventListener("elsewhere", () => { stream.close(); stream = null; poll(true); });
    };
    listen();
    setInterval(renew, 60000); // what time alone changes: "in 5 min", "overdue"
    document.addEventListener("visibilitychange", () => { listen(); renew(); });
  }

  // Parts from another page. [data-from] is filled with the part of the same id there; the answer to a form with
  // [data-into] takes the place of that part here, and nothing else moves.
  const part = async (id, address, options) => {
    const answer = await fetch(address, { credentials: "same-origin", ...options });
    if (answer.status === 401 || new URL(answer.url).pathname === "/sign-in") return location.assign("/sign-in");
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(id);
    if (!fresh) throw new Error(`${answer.status} without #${id}`);
    document.getElementById(id)?.replaceWith(fresh);
    fill(fresh);
    fresh.querySelector("[aria-invalid=true]")?.focus();
  };
  const fill = (within) => {
    for (const place of within.querySelectorAll("[data-from]")) part(place.id, place.dataset.from).catch(() => {}); // its link stays
  };
  fill(document);

  const asked = new WeakMap(); // form -> what stops its last question
  document.addEventListener("submit", async (event) => {
    const form = event.target.closest("form[data-into]");
    if (!form) return;
    event.preventDefault();
    asked.get(form)?.abort();
    const stop = new AbortController(), button = form.querySelector("button");
    asked.set(form, stop);
    if (button) button.disabled = true;
    try {
      const body = new URLSearchParams(new FormData(form, event.submitter));
      await part(form.dataset.into, form.getAttribute("action"), { method: "POST", body, signal: stop.signal });
    } catch (wrong) {
      if (wrong.name !== "AbortError" && told) told.textContent = "Not sent. Try again.";
    } finally { if (button) button.disabled = false; }
  });

  // What is folded away is asked for when it is opened, once.
  document.addEventListener("toggle", (event) => {
    const place = event.target.open && event.target.querySelector("[data-later]");
    if (place) part(place.id, place.dataset.later).catch(() => {});
  }, true);

  // Charts: what the pointer or the keyboard is at says its figures; a legend's key hides its line.
  const tip = document.createElement("p");
  tip.className = "tip";
  tip.hidden = true;
  document.body.append(tip);
  const say = (event) => {
    const at = event.target.closest?.("[data-tip]");
    tip.hidden = !at;
    if (!at) return;
    tip.textContent = at.dataset.tip;
    const box = at.getBoundingClientRect();
    tip.style.left = `${Math.min(Math.max(box.left + box.width / 2 - tip.offsetWidth / 2, 4), innerWidth - tip.offsetWidth - 4)}px`;
    tip.style.top = `${Math.max(box.top - tip.offsetHeight - 6, 4)}px`;
  };
  for (const kind of ["pointerover", "focusin"]) document.addEventListener(kind, say);
  addEventListener("scroll", () => { tip.hidden = true; }, { passive: true });
  document.addEventListener("click", (event) => {
    const key = event.target.closest("[data-toggle]");
    if (!key) return;
    const shown = key.getAttribute("aria-pressed") !== "true";
    key.setAttribute("aria-pressed", shown);
    const chart = key.closest("section") ?? document;
    chart.querySelector(`[data-series="${CSS.escape(key.dataset.toggle)}"]`)?.toggleAttribute("hidden", !shown);
  });

  document.addEventListener("input", (event) => { // whoever chooses days means them
    const span = event.target.closest(".days")?.closest("form").elements.span;
    if (span) span.value = "";
  });

  let typed = 0;
  document.addEventListener("input", (event) => {
    const form = event.target.closest("form[data-typed]");
    if (!form) return;
    clearTimeout(typed);
    typed = setTimeout(() => form.requestSubmit(), 400);
  });

  // Keys
  const list = () => [...document.querySelectorAll("[data-list] a[href], [data-list] [tabindex]")];
  const step = (by) => {
    const all = list();
    const next = all[Math.min(Math.max(all.indexOf(document.activeElement) + by, 0), all.length - 1)];
    if (next) { next.focus(); next.scrollIntoView({ block: "nearest" }); }
  };
  const keys = document.getElementById("keys");
  document.querySelector("[data-keys]")?.addEventListener("click", () => keys?.showModal());
  const into = (key) => {
    const target = document.querySelector(`main [data-key="${CSS.escape(key)}"]`);
    if (!target) return false;
    if (target.tagName === "DETAILS") target.open = true;
    const field = target.matches("input, textarea") ? target : target.querySelector("input:not([type=hidden]), select, textarea, button");
    (field || target).focus();
    return true;
  };

  let going = false;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || keys?.open) return;
    const typing = event.target.matches("input, select, textarea");
    if (event.key === "Escape" && typing) { event.target.blur(); return; }
    if (typing) return;
    if (going) {
      going = false;
      document.querySelector(`nav [data-key="${CSS.escape(event.key)}"]`)?.click();
    } else if (event.key === "g") {
      going = true;
      setTimeout(() => { going = false; }, 1500);
    } else if (event.key === "?") keys?.showModal();
    else if (event.key === "j") step(1);
    else if (event.key === "k") step(-1);
    else if (!(/^[a-z/]$/.test(event.key) && into(event.key))) return;
    event.preventDefault();
  });
})();
