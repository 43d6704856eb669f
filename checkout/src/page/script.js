"use strict";
// Sends the requests of the buttons, shows the answers, and shows the traces in frames. Only the open run has frames,
// since a browser limits the connections to a host, and each live trace uses one.

const KEPT = 10;
// Maximum height of a frame in CSS pixels. A longer trace scrolls inside its frame.
const MAX_FRAME_HEIGHT = 2000;
// Delays in ms before a frame is reloaded. A trace UI without live updates (Jaeger) shows only the spans that have
// arrived when the page loads.
const LOOK_AGAIN = [2000, 5000, 10000];

// Hides Jaeger's navigation and the parts above the waterfall. The demo's viewer supports only `uiEmbed`.
const EMBEDDED = "uiEmbed=v0&uiTimelineCollapseTitle=1&uiTimelineHideMinimap=1&uiTimelineHideSummary=1";

const { traces: TRACES, traceOrigin: TRACE_ORIGIN } = document.body.dataset;
const runs = document.getElementById("runs");
const now = document.getElementById("now");

document.documentElement.classList.add("alive");

function copyOf(template) {
  return document.getElementById(template).content.firstElementChild.cloneNode(true);
}

function fill(parent, texts) {
  for (const [selector, text] of Object.entries(texts)) parent.querySelector(selector).textContent = text;
}

function seconds(milliseconds) {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

// --- a run -----------------------------------------------------------------------------------------------------------

function begin(name, kind) {
  const run = copyOf("run-template");
  const time = new Date();
  fill(run, { ".name": name, time: time.toLocaleTimeString([], { timeZoneName: "short" }) });
  run.classList.add(kind);
  run.querySelector("time").dateTime = time.toISOString();
  run.addEventListener("toggle", () => (run.open ? showFrames(run) : dropFrames(run)));
  for (const other of runs.children) other.open = false;
  runs.prepend(run);
  while (runs.children.length > KEPT) {
    dropFrames(runs.lastElementChild);
    runs.lastElementChild.remove();
  }
  return run;
}

// Sends one request of a run. Shows the elapsed time until the answer arrives, then its status.
async function send(run, path, request) {
  const name = run.querySelector(".name").textContent;
  const badge = run.querySelector(".badge");
  const took = run.querySelector(".took");
  const started = performance.now();
  const tick = () => (took.textContent = seconds(performance.now() - started));
  run.classList.add("running");
  delete run.dataset.is;
  badge.className = "badge";
  badge.textContent = "running";
  now.textContent = `${name}: running`;
  run.scrollIntoView({ block: "start" });
  const clock = setInterval(tick, 100);
  const answer = { is: "failed", status: "no answer", body: null, text: "", traceId: null };
  try {
    const response = await fetch(path, request);
    answer.text = await response.text();
    answer.is = response.status < 400 ? "good" : response.status < 500 ? "refused" : "failed";
    answer.status = `${response.status} ${response.statusText}`;
    answer.traceId = response.headers.get("traceresponse")?.split("-")[1] ?? null;
    answer.body = JSON.parse(answer.text);
  } catch (error) {
    answer.text ||= `${error.message}. Is checkout still running?`;
  }
  clearInterval(clock);
  tick();
  run.classList.remove("running");
  run.dataset.is = answer.is;
  badge.className = `badge ${answer.is}`;
  badge.textContent = answer.status;
  now.textContent = `${name}: ${answer.status} after ${took.textContent}`;
  return answer;
}

// Adds an answer to its run: a sentence, the trace id, and the body.
function tell(run, answer, sentence) {
  const form = copyOf("form-template");
  fill(form, { ".happened": sentence, ".answer pre": answer.body ? JSON.stringify(answer.body, null, 2) : answer.text });
  if (answer.traceId) {
    const line = form.querySelector(".trace-id");
    line.hidden = false;
    line.querySelector("code").textContent = answer.traceId;
    line.querySelector(".copy").dataset.copy = answer.traceId;
  } else {
    form.querySelector(".happened").textContent += " The answer has no trace id: tracing is off, or checkout did not answer.";
  }
  run.querySelector(".forms").append(form);
  return form;
}

function addTrace(form, traceId, { title, why, kind = "own" }) {
  const figure = copyOf("trace-template");
  figure.classList.add(kind);
  fill(figure, { ".title": title, ".why": why });
  if (traceId) {
    figure.dataset.trace = traceId;
    figure.dataset.fresh = "yes";
    figure.querySelector("a").href = TRACES + traceId;
  }
  form.querySelector(".traces").append(figure);
}

// --- what the buttons do ---------------------------------------------------------------------------------------------

async function order(button) {
  const row = button.closest("li");
  const { mediaType, text, zeros } = button.dataset;
  const run = begin(button.textContent, "order-run");
  const answer = await send(run, "checkout", {
    method: "POST",
    headers: { "content-type": mediaType },
    body: text ?? "0".repeat(Number(zeros)),
  });
  const { title, detail, code } = answer.body ?? {};
  const form = tell(run, answer, title ? `${title} (${code}). ${detail}` : "");
  form.querySelector("h3").remove();
  form.querySelector(".answer").open = true;
  compare(run, form, answer, row);
  if (answer.traceId) addTrace(form, answer.traceId, { title: "Its trace:", why: row.querySelector(".look").textContent });
  showFrames(run);
}

// Shows a note if the status differs from the expected one, and how to get the expected status.
function compare(run, form, answer, row) {
  const expected = row.querySelector(".expected").textContent;
  const actual = answer.status.split(" ")[0];
  if (answer.status === "no answer" || actual === expected) return;
  const note = form.querySelector(".unexpected");
  note.hidden = false;
  note.textContent = `Expected ${expected}, got ${actual}. `;
  if ("expectsOutage" in row.dataset && answer.is === "good") note.append(copyOf("inventory-is-up"));
  else if (answer.body?.code === "inventory_unavailable") note.append(copyOf("inventory-is-down"));
  const badge = run.querySelector(".badge");
  badge.className = "badge refused";
  badge.textContent = `${answer.status}, expected ${expected}`;
  run.dataset.is = "refused";
  now.textContent += `. ${note.textContent}`;
}

async function both(row) {
  const [broken, fixed] = row.querySelectorAll("form");
  await pitfall(fixed, await pitfall(broken, begin(row.dataset.name, "pitfall-run")));
}

// Runs one form of a pitfall (broken or fixed), and adds its result to the given run. Without a given run, the result
// goes beside the result of the other form if the latest run has only that; otherwise a new run begins.
async function pitfall(htmlForm, given) {
  const row = htmlForm.closest("li");
  const { name, looks } = row.dataset;
  const which = htmlForm.querySelector("button").className;
  const latest = runs.firstElementChild;
  const isOther = latest?.open && latest.dataset.pitfall === name && latest.dataset.forms !== which && !latest.dataset.both;
  const run = given ?? (isOther ? latest : begin(name, "pitfall-run"));
  const beside = run.dataset.pitfall === name;
  run.dataset.pitfall = name;
  if (beside || given) run.dataset.both = "yes";
  run.dataset.forms = which;
  const answer = await send(run, htmlForm.getAttribute("action"), { method: "POST" });
  const { happened, detail, orphans = [], live_tasks: live } = answer.body ?? {};
  const form = tell(run, answer, happened ?? detail ?? "");
  const badge = form.querySelector(".badge");
  const tasks = live === undefined ? "" : ` Leaked tasks: ${live}.`;
  fill(form, { ".which": which === "broken" ? "Broken" : "Fixed" });
  const lesson = row.querySelector(`.lesson.of-${which}`).cloneNode(true);
  lesson.append(row.querySelector(".source").cloneNode(true));
  form.querySelector(".traces").before(lesson);
  if (which === "broken") form.parentElement.prepend(form);
  if (beside && matchMedia("(max-width: 62rem)").matches) form.scrollIntoView();
  if (answer.is === "good" && answer.traceId) {
    const broken = which === "broken";
    badge.classList.add(broken ? "failed" : "good");
    badge.textContent = broken ? "trace broken" : "trace whole";
    const others = Map.groupBy(orphans, (orphan) => orphan.trace_id);
    addTrace(form, answer.traceId, {
      title: "The request's trace:",
      why: broken ? "this is all that it shows." : "it shows all the work.",
    });
    for (const [traceId, spans] of others) {
      addTrace(form, traceId, {
        kind: "orphan",
        title: "Orphan:",
        why: `${spans.map((span) => span.span).join(", ")} belongs to the same request, but is in a separate trace.`,
      });
    }
    if (broken && orphans.length === 0) {
      addTrace(form, null, { kind: "nowhere", title: "Nowhere:", why: looks + tasks });
    }
  } else {
    badge.classList.add(answer.is);
    badge.textContent = answer.status;
    if (answer.traceId) addTrace(form, answer.traceId, { title: "The request's trace:", why: "" });
  }
  showFrames(run);
  return run;
}

document.addEventListener("submit", (event) => {
  event.preventDefault();
  pitfall(event.target);
});

document.addEventListener("click", ({ target }) => {
  if (target.matches("button.order")) order(target);
  if (target.matches("button.both")) both(target.closest("li"));
  if (target.matches("button.copy")) copy(target);
  if (target.matches("button.again")) again(target.closest(".trace").querySelector(".frame"));
});

async function copy(button) {
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    now.textContent = "copied";
    button.textContent = "copied";
  } catch {
    // Browsers allow only secure pages to write to the clipboard. Otherwise, selects the text so that the user can copy
    // it.
    getSelection().selectAllChildren(button.parentElement.querySelector("pre, code"));
    button.textContent = "selected";
  }
  setTimeout(() => (button.textContent = "copy"), 2000);
}

// --- frames ----------------------------------------------------------------------------------------------------------

function showFrames(run) {
  if (!run.open) return;
  for (const figure of run.querySelectorAll(".trace[data-trace]")) {
    const place = figure.querySelector(".frame");
    if (place.firstElementChild) continue;
    place.append(frameOf(figure));
    if (figure.dataset.fresh) {
      delete figure.dataset.fresh;
      for (const delay of LOOK_AGAIN) setTimeout(() => again(place, true), delay);
    }
  }
}

function dropFrames(run) {
  for (const frame of run.querySelectorAll("iframe")) frame.remove();
}

function frameOf(figure) {
  const frame = document.createElement("iframe");
  const { trace } = figure.dataset;
  frame.src = `${TRACES}${trace}?${EMBEDDED}`;
  frame.title = `${figure.querySelector(".title").textContent} trace ${trace}`;
  return frame;
}

// Loads a trace again in a frame behind the current one, and then removes the current frame. Automatic reloads skip
// live traces, focused frames and hidden pages.
function again(place, byItself = false) {
  const stands = place.firstElementChild;
  if (!stands || place.children.length > 1) return;
  if (byItself && (stands.dataset.live || document.activeElement === stands || document.hidden)) return;
  const next = frameOf(place.parentElement);
  next.className = "next";
  next.addEventListener("load", () => setTimeout(() => {
    next.className = "";
    stands.remove();
  }, 500));
  place.append(next);
}

// The page of a live trace posts its height, and posts it again when the height changes.
addEventListener("message", ({ origin, source, data }) => {
  if (origin !== TRACE_ORIGIN || !(data?.traceHeight > 0)) return;
  for (const frame of document.querySelectorAll(".frame > iframe")) {
    if (frame.contentWindow !== source) continue;
    frame.dataset.live = "yes";
    frame.style.height = `${Math.min(Math.ceil(data.traceHeight), MAX_FRAME_HEIGHT)}px`;
  }
});
