"use strict";
// The URL contains the opened rows, the folded rows and the search text. A click changes the URL; changed traces do
// not. In both cases, the script fetches the page of the URL and replaces only its changed parts, so that focus and
// selection are kept.
(() => {
  const main = document.getElementById("main");
  const live = document.getElementById("live");
  document.documentElement.classList.add("js");

  // --- times ---------------------------------------------------------------------------------------------------------

  // Shows all times in the browser's time zone. The server renders UTC, for browsers without JavaScript.
  const zones = new Intl.DateTimeFormat(undefined, { timeZoneName: "short" });
  const zone = (date) => zones.formatToParts(date).find(({ type }) => type === "timeZoneName").value;
  const digits = (number, count = 2) => String(number).padStart(count, "0");
  const clock = (date) =>
    `${digits(date.getHours())}:${digits(date.getMinutes())}:${digits(date.getSeconds())}.${digits(date.getMilliseconds(), 3)}`;
  const day = (date) => `${digits(date.getFullYear(), 4)}-${digits(date.getMonth() + 1)}-${digits(date.getDate())}`;

  function localize(root) {
    for (const time of root.querySelectorAll("time[datetime]")) {
      const date = new Date(time.dateTime);
      time.textContent = time.matches(".moment") ? `${day(date)} ${clock(date)} ${zone(date)}` : clock(date);
    }
    for (const option of root.querySelectorAll("option[data-time]")) {
      const date = new Date(option.dataset.time);
      option.textContent = option.textContent.trim().replace(/^\S+ UTC/, `${clock(date)} ${zone(date)}`);
    }
    for (const name of root.querySelectorAll(".zone")) name.textContent = zone(new Date());
  }
  localize(document);

  // --- updates -------------------------------------------------------------------------------------------------------

  let fetching = false;
  let wanted = false;
  let latest = 0;
  let again = 0;

  // Fetches the page and returns its `main` element. The rest of the page is not parsed, since its style and script
  // have another nonce.
  async function load(url) {
    const response = await fetch(url, { cache: "no-store" });
    const text = await response.text();
    const part = text.slice(text.indexOf("<main"), text.lastIndexOf("</main>"));
    const fresh = new DOMParser().parseFromString(part, "text/html").querySelector("main");
    if (fresh) localize(fresh);
    return fresh;
  }

  // Shows the page of the current URL. While a fetch is in progress, updates from the server wait, but a click does
  // not.
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
      // A moved element loses the focus, and a row that moves to another part of a long list is created anew.
      const moved = focused.isConnected ? focused : row && document.querySelector(`[id="${row}"] > a.r`);
      if (moved && moved !== document.activeElement) moved.focus({ preventScroll: true });
      document.title = main.dataset.title;
      lookAgain();
    } catch {
      // The server is not reachable, which the event connection reports to the user.
    } finally {
      if (turn === latest) {
        fetching = false;
        if (wanted) show();
      }
    }
  }

  // Opening or closing a row does not change other rows. Only this row is fetched, since a page can have thousands of
  // rows.
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
      // The server is not reachable, which the event connection reports to the user.
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

  // Makes one element equal to another without touching equal parts. An element with an id is reused wherever it moves,
  // such as a row that moves between the parts of a long list.
  function morph(from, to, parked = new Map()) {
    if (from.isEqualNode(to)) return;
    for (const { name, value } of to.attributes) {
      if (from.getAttribute(name) !== value) from.setAttribute(name, value);
    }
    for (const name of from.getAttributeNames()) {
      // Keeps the `open` attribute, so that elements that the user opened stay open.
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
      // Removes the nodes before the reused node, since the new page does not contain them.
      while (!next.id && at !== known) drop();
      if (known === at) at = at.nextSibling;
      else from.insertBefore(known, at);
      if (known.nodeType === Node.ELEMENT_NODE) morph(known, next, parked);
      else if (known.data !== next.data) known.data = next.data;
    }
    while (at) drop();
  }

  // Returns the first node from `at` on that can be reused. Nodes with an id are matched by id instead.
  function alike(at, next) {
    while (at && (at.id || at.nodeName !== next.nodeName || at.className !== next.className)) at = at.nextSibling;
    return at;
  }

  // Handles back navigation within this page.
  addEventListener("popstate", () => show(true));

  // --- clicks --------------------------------------------------------------------------------------------------------

  // Returns the URL of this page with an id added to, or removed from, the list `name`.
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
    // A complete trace id is not a filter: the form is submitted, and the server redirects to the trace.
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

  // Reports the height of this page to the embedding page. A report also shows that this page updates itself.
  if (parent !== window) {
    const tell = () => parent.postMessage({ traceHeight: document.body.offsetHeight }, "*");
    new ResizeObserver(tell).observe(document.body);
  }

  // --- news ----------------------------------------------------------------------------------------------------------

  const watched = main.dataset.watches;
  lookAgain();
  if (!watched) return;

  // Updates the page immediately, then at most once per pause. The list of traces has a longer pause, since it renders
  // all traces.
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

  // One connection serves all pages and frames of a browser: the first page opens the connection and forwards its
  // messages to the others.
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
      // The server does not report changes from before the connection, so all pages update now.
      events.onopen = () => {
        say("live");
        spread("*");
      };
      events.onerror = () => say("connection lost, trying again");
      events.onmessage = ({ data }) => spread(data);
    });
  }
  // In a frame, the browser may deny access to shared locks.
  if (navigator.locks) navigator.locks.request("live", listen).catch(listen);
  else listen();
})();
