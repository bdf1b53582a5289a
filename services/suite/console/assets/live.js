// Keeps a page up to date: the server sends elements, and each takes the place of the one with its id. An element that is
// new is put on top where the page asks for it. Without this script the page is as it was when it was loaded.
"use strict";

(() => {
  // A page that grows for ever is of no use to anyone.
  const MOST = 1000;
  const place = document.querySelector("[data-live]");
  const told = document.getElementById("live");
  if (!place || !told) return;
  let source = null;

  const tell = (state, text) => {
    told.dataset.state = state;
    if (told.textContent !== text) told.textContent = text;
  };

  // What the reader has opened, and where the reader is, stays as it was.
  const put = (old, fresh) => {
    for (const details of old.querySelectorAll("details[open][id]")) {
      const same = fresh.querySelector(`#${CSS.escape(details.id)}`);
      if (same) same.open = true;
    }
    if (old.isEqualNode(fresh)) return;
    const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
    old.replaceWith(fresh);
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
    mark(fresh);
  };

  const add = (fresh) => {
    if (place.dataset.add !== "true") return;
    if (place.children.length >= MOST) {
      tell("ended", "Reload the page to see newer changes");
      return;
    }
    document.getElementById("none")?.remove();
    place.prepend(fresh);
    mark(fresh);
  };

  const mark = (fresh) => {
    htmx.process(fresh);
    fresh.classList.add("moved");
    // Gone when it was seen, so that the next one is seen too.
    setTimeout(() => {
      fresh.classList.remove("moved");
      if (!fresh.className) fresh.removeAttribute("class");
    }, 1500);
  };

  const receive = (event) => {
    const parts = document.createElement("template");
    parts.innerHTML = event.data;
    for (const fresh of [...parts.content.children]) {
      const old = document.getElementById(fresh.id);
      if (old) put(old, fresh);
      else add(fresh);
    }
  };

  const open = () => {
    if (source) return;
    source = new EventSource(place.dataset.live);
    source.addEventListener("open", () => tell("on", "Live"));
    source.addEventListener("parts", receive);
    source.addEventListener("error", () => {
      if (source.readyState === EventSource.CLOSED) {
        tell("ended", "Not live any more; reload the page");
      } else {
        tell("waiting", "Waiting for the suite");
      }
    });
  };

  const close = () => {
    source?.close();
    source = null;
  };

  // A browser has few connections to a host: a page that nobody sees keeps none.
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  addEventListener("pagehide", close);
  addEventListener("pageshow", () => document.hidden || open());
  if (!document.hidden) open();
})();
