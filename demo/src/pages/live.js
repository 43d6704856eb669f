"use strict";
// What is open, folded and searched for stands in the URL. So a click changes the URL, news do not, and either way the page of
// the URL is fetched and what is new in it is put into its place; the rest stays as it is, with focus and selection.
(() => {
  const main = document.getElementById("main");
  const live = document.getElementById("live");
  document.documentElement.classList.add("js");

  let fetching = false;
  let wanted = false;
  let latest = 0;
  let again = 0;

  // The part of a page that changes. The rest is not even parsed: its style and script bear another nonce.
  async function load(url) {
    const response = await fetch(url, { cache: "no-store" });
    const text = await response.text();
    const part = text.slice(text.indexOf("<main"), text.lastIndexOf("</main>"));
    return new DOMParser().parseFromString(part, "text/html").querySelector("main");
  }

  // Shows the page of the URL as it is now. While that is fetched, news wait for their turn; a click does not.
  async function show(now) {
    if (fetching && !now) {
      wanted = true;
      return;
    }
    fetching = true;
    wanted = false;
    const turn = ++latest;
    try {
      const fresh = await load(location.href);
      if (turn !== latest || !fresh) return;
      const focused = document.activeElement;
      const row = focused?.closest("li[id]")?.id;
      morph(main, fresh);
      // What was moved has lost its focus; what stands in another part of a long list now is made anew.
      const moved = focused.isConnected ? focused : row && document.querySelector(`[id="${row}"] > a.r`);
      if (moved && moved !== document.activeElement) moved.focus({ preventScroll: true });
      document.title = main.dataset.title;
      lookAgain();
    } catch {
      // The server is gone; the events say so.
    } finally {
      if (turn === latest) {
        fetching = false;
        if (wanted) show();
      }
    }
  }

  // A row that is opened or closed changes no other: with thousands of them, it alone is fetched.
  async function toggle(row) {
    history.replaceState(null, "", toggled("span", row.id));
    if (fetching) return show(true);
    const url = new URL(location.href);
    url.searchParams.set("only", row.id);
    try {
      const fresh = (await load(url))?.querySelector(`[id="${row.id}"]`);
      if (fresh) morph(row, fresh);
      else await show(true);
    } catch {
      // As above.
    }
  }

  function go(url) {
    history.replaceState(null, "", url);
    return show(true);
  }

  function lookAgain() {
    clearTimeout(again);
    if (main.dataset.again) again = setTimeout(() => show(), Number(main.dataset.again) + 50);
  }

  // Makes one element like another and touches nothing that is equal already. What has an id stays the same element wherever
  // it goes: rows of a long list move from part to part.
  function morph(from, to, parked = new Map()) {
    if (from.isEqualNode(to)) return;
    for (const { name, value } of to.attributes) {
      if (from.getAttribute(name) !== value) from.setAttribute(name, value);
    }
    for (const name of from.getAttributeNames()) {
      // Whoever has opened or closed a part keeps it so.
      if (!to.hasAttribute(name) && name !== "open") from.removeAttribute(name);
    }
    const kept = new Set([...to.children].map((child) => child.id).filter(Boolean));
    for (const child of [...from.children]) {
      if (!child.id || kept.has(child.id)) continue;
      parked.set(child.id, child);
      child.remove();
    }
    let at = from.firstChild;
    const drop = () => {
      const next = at.nextSibling;
      if (at.id) parked.set(at.id, at);
      at.remove();
      at = next;
    };
    for (const next of [...to.childNodes]) {
      const known = next.id ? parked.get(next.id) ?? document.getElementById(next.id) : alike(at, next);
      if (!known) {
        from.insertBefore(document.importNode(next, true), at);
        continue;
      }
      // What stands before it is not there any more.
      while (!next.id && at !== known) drop();
      if (known === at) at = at.nextSibling;
      else from.insertBefore(known, at);
      if (known.nodeType === Node.ELEMENT_NODE) morph(known, next, parked);
      else if (known.data !== next.data) known.data = next.data;
    }
    while (at) drop();
  }

  // The first node from there on that can become the other; what has an id is known by it.
  function alike(at, next) {
    while (at && (at.id || at.nodeName !== next.nodeName || at.className !== next.className)) at = at.nextSibling;
    return at;
  }

  // Back, to where this page has been.
  addEventListener("popstate", () => show(true));

  // --- clicks --------------------------------------------------------------------------------------------------------

  // The URL of this page with an id more, or less, in the list of that name.
  function toggled(name, id, only) {
    const url = new URL(location.href);
    const ids = new Set((url.searchParams.get(name) ?? "").split(",").filter(Boolean));
    if (!ids.has(id)) ids.add(id);
    else if (only !== "add") ids.delete(id);
    const rest = [...url.searchParams].filter(([key]) => key !== name);
    const query = new URLSearchParams(rest).toString();
    const list = ids.size ? `${name}=${[...ids].join(",")}` : "";
    url.search = [query, list].filter(Boolean).join("&");
    url.hash = "";
    return url.href;
  }

  document.addEventListener("click", async (event) => {
    if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const copy = event.target.closest("button.copy");
    if (copy) {
      await navigator.clipboard.writeText(copy.dataset.copy);
      copy.dataset.done = "";
      setTimeout(() => delete copy.dataset.done, 1500);
      return;
    }
    const link = event.target.closest(".rows a.r, .rows a.f, a.go");
    if (!link) return;
    event.preventDefault();
    if (link.matches(".go")) {
      await go(toggled("span", link.dataset.span, "add"));
      document.querySelector(`[id="${link.dataset.span}"] > a.r`)?.focus();
    } else if (link.matches(".f")) {
      await go(toggled("fold", link.parentElement.id));
    } else {
      await toggle(link.parentElement);
    }
  });

  // --- forms ---------------------------------------------------------------------------------------------------------

  let typing = 0;
  document.addEventListener("input", (event) => {
    const form = event.target.closest("form[data-live]");
    if (!form) return;
    clearTimeout(typing);
    typing = setTimeout(() => {
      const fields = [...new FormData(form)].filter(([, value]) => value);
      const url = new URL(form.getAttribute("action") ?? location.pathname, location.href);
      url.search = new URLSearchParams(fields).toString().replaceAll("%2C", ",");
      go(url.href);
    }, 150);
  });
  document.addEventListener("submit", (event) => {
    // A whole trace id is no filter: the server leads to its trace.
    const id = /^[0-9a-f]{32}$/i.test(event.target.elements.q?.value.trim() ?? "");
    if (event.target.matches("form[data-live]") && !id) event.preventDefault();
  });

  // --- keys ----------------------------------------------------------------------------------------------------------

  const rows = () => [...document.querySelectorAll(".rows > li, .traces > li")];

  function move(step, wanted = () => true) {
    const all = rows();
    const here = all.indexOf(document.activeElement?.closest(".rows > li, .traces > li"));
    const from = here < 0 && step < 0 ? 0 : here;
    for (let n = 1; n <= all.length; n++) {
      const row = all[(from + step * n + 2 * all.length) % all.length];
      if (wanted(row)) return row.querySelector("a.r").focus();
    }
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("input, select, textarea")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const search = document.getElementById("q");
    if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
    else if (event.key === "e") move(1, (row) => row.matches(".bad"));
    else if (event.key === "n") move(1, (row) => row.matches(".hit"));
    else if (event.key === "/" && search) search.focus();
    else return;
    event.preventDefault();
  });

  // --- frame ---------------------------------------------------------------------------------------------------------

  // Whoever frames this page is told how high it is, and by that, that it looks after itself.
  if (parent !== window) {
    const tell = () => parent.postMessage({ traceHeight: document.body.offsetHeight }, "*");
    new ResizeObserver(tell).observe(document.body);
  }

  // --- news ----------------------------------------------------------------------------------------------------------

  const watched = main.dataset.watches;
  lookAgain();
  if (!watched) return;

  // At once, and then after a while again: the list is made of all traces, a trace of its spans only.
  const pause = watched === "*" ? 500 : 100;
  let last = -pause;
  let due = 0;
  function news(ids) {
    const ours = ids === "*" || watched === "*" || ids.split(" ").includes(watched);
    if (!ours || due) return;
    due = setTimeout(() => {
      due = 0;
      last = performance.now();
      show();
    }, Math.max(0, last + pause - performance.now()));
  }

  function say(text) {
    if (live && live.textContent !== text) live.textContent = text;
  }

  // One connection serves all pages and frames of a browser: the first page has it, and tells the others.
  const others = new BroadcastChannel("live");
  others.onmessage = ({ data }) => {
    say("live");
    news(data);
  };
  function listen() {
    return new Promise(() => {
      const events = new EventSource("/live");
      const spread = (ids) => {
        others.postMessage(ids);
        news(ids);
      };
      // What came before there was a connection is not told.
      events.onopen = () => {
        say("live");
        spread("*");
      };
      events.onerror = () => say("connection lost, trying again");
      events.onmessage = ({ data }) => spread(data);
    });
  }
  // In a frame the browser may forbid to have anything in common.
  if (navigator.locks) navigator.locks.request("live", listen).catch(listen);
  else listen();
})();
