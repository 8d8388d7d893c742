// Lyceum's console: the page that the server drew, kept alive. It also works without this script.
(() => {
  "use strict";
  const $ = (id) => document.getElementById(id);

  // --- the door: the code stands behind the #, so that neither a log nor a Referer ever holds it
  const enterForm = $("enterForm");
  if (enterForm && location.hash.length > 1) {
    $("token").value = decodeURIComponent(location.hash.slice(1));
    $("token").type = "hidden";
    $("enterCode").hidden = true;
    history.replaceState(null, "", location.pathname);
    $("enterButton").focus();
  }

  const tree = $("tree");
  if (!tree) return;
  const svgPips = 48;
  const rows = () => [...tree.querySelectorAll(".node:not(.heads)")];
  const cell = (row, name) => row.querySelector(`[data-c="${name}"]`);
  const put = (element, text) => { if (element && element.textContent !== text) element.textContent = text; };
  const set = (element, name, value) => { if (element && element.getAttribute(name) !== value) element.setAttribute(name, value); };
  const make = (tag, className, text) => {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  };

  // --- the live tree
  const known = new Map(); // by path: the node of the last frame
  const blank = rows()[0].cloneNode(true);
  const firstOp = (n) => (n.under ? "" : { suspended: "resume", stopped: "start", degraded: "start", idle: "start" }[n.state] ?? "restart");
  const capital = (word) => word.slice(0, 1).toUpperCase() + word.slice(1);

  const fill = (row, n) => {
    row.className = row.className.replace(/level-\d/, `level-${n.level}`);
    for (const [name, value] of Object.entries({ "aria-level": n.level, "data-path": n.path, "data-tone": n.tone, "data-state": n.state, "data-kind": n.kind, "data-note": n.note, "data-about": n.about }))
      set(row, name, String(value));
    put(cell(row, "name"), n.name);
    for (const name of ["state", "more", "cpu", "uptime"]) put(cell(row, name), n[name]);
    set(cell(row, "dot"), "data-tone", n.tone);
    set(cell(row, "dot"), "data-state", n.state);
    put(cell(row, "gen"), String(n.generation));
    put(cell(row, "restarts"), n.meter);
    put(cell(row, "mailbox"), String(n.mailbox));
    set(cell(row, "fill"), "width", String(n.fill));
    if (n.budget > 0) set(cell(row, "spent"), "d", `M0 3H${Math.min(n.restarts, n.budget) * (Math.max(1, Math.floor(svgPips / n.budget) - 2) + 2)}`);
    if (n.spark !== undefined) set(cell(row, "spark"), "points", n.spark);
    const op = firstOp(n);
    set(cell(row, "name"), "href", `/ops/ask?path=${encodeURIComponent(n.path)}&op=${op}`);
    if (cell(row, "op")) {
      cell(row, "op").value = op;
      cell(row, "op").form.hidden = op === "";
      put(cell(row, "do"), capital(op));
      set(cell(row, "do"), "aria-label", `${capital(op)} ${n.path}`);
      cell(row, "op").form.querySelector('[name="path"]').value = n.path;
    }
  };

  const rowOf = (path) => rows().find((row) => row.dataset.path === path);
  const drawTree = (nodes) => {
    const said = [];
    const paths = new Set(nodes.map((n) => n.path));
    for (const row of rows()) if (!paths.has(row.dataset.path)) row.remove();
    let before = tree.querySelector(".heads");
    for (const n of nodes) {
      let row = rowOf(n.path);
      if (!row) {
        row = blank.cloneNode(true);
        row.tabIndex = -1;
      }
      if (before.nextElementSibling !== row) before.after(row);
      before = row;
      const old = known.get(n.path);
      fill(row, n);
      if (old && old.state !== n.state) said.push(`${n.path} is ${n.state}`);
      else if (old && old.generation !== n.generation) said.push(`${n.path} was started again, generation ${n.generation}`);
      if (old && old.generation !== n.generation) {
        row.classList.remove("turned");
        void row.offsetWidth; // so that the movement begins anew
        row.classList.add("turned");
      }
      known.set(n.path, n);
    }
    const many = 3;
    if (said.length > 0) put($("said"), said.slice(0, many).join("; ") + (said.length > many ? `; and ${said.length - many} more` : ""));
  };

  // --- lists
  const drawList = (list, empty, items, key, draw) => {
    const had = new Set([...list.children].map((li) => li.dataset.key));
    const known = list.childElementCount > 0 || list.dataset.drawn;
    list.replaceChildren(...items.map((item) => {
      const li = draw(item);
      li.dataset.key = key(item);
      if (known && list.dataset.drawn && !had.has(li.dataset.key)) li.classList.add("fresh");
      return li;
    }));
    list.dataset.drawn = "yes";
    empty.hidden = items.length > 0;
  };
  const drawCrash = (c) => {
    const li = make("li");
    li.dataset.kind = c.kind;
    const when = make("p", "when");
    when.append(make("time", "", c.at), " ", make("strong", "", c.path), " ", make("span", "", `gen ${c.generation}`));
    if (c.times > 1) when.append(" ", make("span", "times", `× ${c.times}`));
    const reason = make("p", "reason");
    reason.append(make("span", "kind", c.kind), ` ${c.reason}`);
    li.append(when, reason);
    if (c.message) {
      const message = make("p", "message", "while handling ");
      message.append(make("code", "", c.message));
      li.append(message);
    }
    li.append(make("p", "then", c.then));
    return li;
  };
  const drawAction = (a) => {
    const li = make("li");
    li.append(make("time", "", a.at), " ", make("span", "what", a.what), " ", make("span", "result", a.result), " ", make("span", "by", a.who));
    return li;
  };
  const drawTroubles = (all) => {
    $("troubles").parentElement.hidden = all.length === 0;
    $("troubles").replaceChildren(...all.map((t) => {
      const li = make("li");
      li.dataset.tone = t.tone;
      const what = make("p");
      what.append(make("strong", "", t.path), ` ${t.what}`);
      li.append(what);
      if (t.learners) li.append(make("p", "", `Learners notice: ${t.learners}.`));
      li.append(make("p", "remedy", t.remedy));
      return li;
    }));
  };

  let troublesBefore = "";
  const draw = (frame) => {
    $("verdict").dataset.tone = frame.tone;
    $("verdict").querySelector(".dot").dataset.tone = frame.tone;
    put($("headline"), frame.headline);
    put($("since"), frame.since);
    const title = `${frame.headline} · console`;
    if (document.title !== title) document.title = title;
    for (const [id, value] of Object.entries(frame.figures)) put($(`figure-${id}`), value);
    drawTree(frame.nodes);
    const troubles = JSON.stringify(frame.troubles);
    if (troubles !== troublesBefore) drawTroubles(frame.troubles);
    troublesBefore = troubles;
    if (frame.crashes) drawList($("crashes"), $("noCrashes"), frame.crashes, (c) => `${c.at} ${c.path} ${c.times}`, drawCrash);
    if (frame.actions) drawList($("actions"), $("noActions"), frame.actions, (a) => `${a.at} ${a.what}`, drawAction);
    if (frame.log) {
      const log = $("log");
      const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 24;
      drawList(log, $("noLog"), frame.log, (line) => line, (line) => make("li", "", line));
      if (atEnd) log.scrollTop = log.scrollHeight;
    }
  };

  const pulse = (live, word) => {
    $("pulse").dataset.live = live;
    put($("pulseWord"), word);
  };
  const retryFirst = 1000, retryMost = 15000, silenceMost = 20000;
  let retry = retryFirst, source = null, silence = 0, last = "";
  const listen = () => {
    source = new EventSource("/ops/events");
    const lost = () => pulse("no", `not live${last ? `; as it was at ${last} UTC` : ""}; trying again`);
    const watchSilence = () => {
      clearTimeout(silence);
      silence = setTimeout(() => { source.close(); lost(); listen(); }, silenceMost);
    };
    watchSilence();
    source.onmessage = (event) => {
      retry = retryFirst;
      watchSilence();
      const frame = JSON.parse(event.data);
      last = frame.at;
      draw(frame);
      pulse("yes", "live");
    };
    source.onerror = async () => {
      lost();
      if (source.readyState !== EventSource.CLOSED) return; // the browser asks again by itself
      clearTimeout(silence);
      const answer = await fetch("/ops/session").catch(() => null);
      if (answer && answer.status === 403) return location.assign("/ops");
      setTimeout(listen, retry);
      retry = Math.min(retry * 2, retryMost);
    };
  };

  // --- questions before commands
  const acts = tree.dataset.acts === "yes";
  let asked = 0;
  const openAsk = async (path, op) => {
    const mine = ++asked;
    const answer = await fetch(`/ops/impact?path=${encodeURIComponent(path)}&op=${op}`).catch(() => null);
    if (mine !== asked) return;
    if (!answer || !answer.ok) return tell(answer && answer.status === 403 ? "Your session has ended: enter again." : "The server does not answer: nothing was done.");
    const what = await answer.json();
    $("child").close();
    put($("askTitle"), what.title);
    put($("askYes"), what.button);
    $("askYes").classList.toggle("harsh", what.named);
    facts($("askFacts"), what.facts);
    $("askWrong").hidden = !what.refused;
    put($("askWrong"), what.refused);
    $("askPath").value = path;
    $("askOp").value = op;
    $("askGen").value = what.generation;
    $("askNamed").hidden = !what.named || Boolean(what.refused);
    put($("askWanted"), path);
    $("askName").value = "";
    $("askYes").hidden = Boolean(what.refused);
    $("askYes").disabled = what.named;
    $("ask").showModal();
    (what.refused ? $("askNo") : what.named ? $("askName") : $("askYes")).focus();
  };
  const facts = (list, pairs) => list.replaceChildren(...pairs.map(([label, value]) => {
    const line = make("div");
    line.append(make("dt", "", label), make("dd", "", value));
    return line;
  }));
  const tell = (text) => {
    $("done").hidden = false;
    put($("done"), text);
  };
  $("askName").addEventListener("input", () => { $("askYes").disabled = $("askName").value !== $("askPath").value; });
  $("askNo").addEventListener("click", () => $("ask").close());
  $("askForm").addEventListener("submit", async (event) => {
    event.preventDefault();
    if ($("askYes").disabled) return;
    $("askYes").disabled = true;
    const body = new URLSearchParams(new FormData($("askForm")));
    const answer = await fetch("/ops/act", { method: "POST", body, headers: { Accept: "application/json" } }).catch(() => null);
    const what = answer && (answer.headers.get("Content-Type") || "").startsWith("application/json") ? await answer.json() : null;
    if (what && what.ok) {
      $("ask").close();
      return tell(what.text);
    }
    $("askYes").disabled = false;
    $("askWrong").hidden = false;
    put($("askWrong"), what ? what.text : "The server does not answer: whether it was done, the tree will show.");
  });

  const opsOf = (row) => {
    const state = row.dataset.state;
    if (row.dataset.tone === "quiet") return []; // what is above it is to be started
    const down = ["stopped", "degraded", "idle"].includes(state);
    const all = down ? ["start"] : state === "suspended" ? ["resume", "restart", "kill"] : ["restart", "suspend", "kill"];
    if (!down && row.dataset.mayStop === "yes") all.push("stop");
    return all.filter((op) => op !== "suspend" || (row.dataset.mayStop === "yes" && row.dataset.kind === "worker"));
  };
  const openChild = (row) => {
    const n = known.get(row.dataset.path);
    put($("childTitle"), row.dataset.path);
    const text = (name) => cell(row, name).textContent;
    facts($("childFacts"), [
      ["State", `${text("state")}${text("more") ? `; ${text("more")}` : ""}`],
      ["Learners notice", row.dataset.note || "nothing of its own"],
      ["Generation", `${text("gen")}${n ? `; ${n.meter} restarts spent` : ""}`],
      ["Mailbox", `${text("mailbox")} waiting`],
      ["Uptime", text("uptime")],
      ["What it is", `${row.dataset.kind}, ${row.dataset.about}`],
    ]);
    $("childOps").replaceChildren(...(acts && row.getAttribute("aria-level") !== "1" ? opsOf(row) : []).map((op) => {
      const button = make("button", "quiet", capital(op));
      button.type = "button";
      button.addEventListener("click", () => openAsk(row.dataset.path, op));
      return button;
    }));
    $("child").showModal();
  };
  $("childNo").addEventListener("click", () => $("child").close());
  $("keysNo").addEventListener("click", () => $("keys").close());
  $("keysButton").hidden = false;
  $("keysButton").addEventListener("click", () => $("keys").showModal());

  // --- hands on the tree
  const move = (to) => {
    for (const row of rows()) row.tabIndex = row === to ? 0 : -1;
    to.focus();
  };
  for (const [i, row] of rows().entries()) row.tabIndex = i === 0 ? 0 : -1;
  for (const link of tree.querySelectorAll('[data-c="name"]')) link.tabIndex = -1; // Enter on the row opens it
  for (const link of blank.querySelectorAll('[data-c="name"]')) link.tabIndex = -1;
  tree.addEventListener("submit", (event) => {
    event.preventDefault();
    const form = new FormData(event.target);
    openAsk(form.get("path"), form.get("op"));
  });
  tree.addEventListener("click", (event) => {
    const link = event.target.closest('[data-c="name"]');
    if (!link || event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    move(link.closest(".node"));
    openChild(link.closest(".node"));
  });
  const keys = {
    r: () => "restart",
    s: (row) => (["stopped", "degraded", "idle"].includes(row.dataset.state) ? "start" : "stop"),
    z: (row) => (row.dataset.state === "suspended" ? "resume" : "suspend"),
    x: () => "kill",
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || document.querySelector("dialog[open]")) return;
    const row = event.target.closest ? event.target.closest(".tree .node:not(.heads)") : null;
    if (event.key === "?" && !/^(INPUT|TEXTAREA)$/.test(event.target.tagName)) {
      event.preventDefault();
      return $("keys").showModal();
    }
    if (!row) return;
    const all = rows();
    const at = all.indexOf(row);
    const steps = { ArrowDown: at + 1, j: at + 1, ArrowUp: at - 1, k: at - 1, Home: 0, End: all.length - 1 };
    if (event.key in steps) {
      event.preventDefault();
      return move(all[Math.max(0, Math.min(all.length - 1, steps[event.key]))]);
    }
    if (event.target !== row) return; // a button inside it has its own keys
    if (event.key === "Enter") {
      event.preventDefault();
      openChild(row);
    } else if (acts && event.key in keys && row.getAttribute("aria-level") !== "1") {
      event.preventDefault();
      openAsk(row.dataset.path, keys[event.key](row));
    }
  });
  $("log").scrollTop = $("log").scrollHeight;
  listen();
})();
