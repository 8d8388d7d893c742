// Lyceum: what a page can do better with a script. Every page is whole without it.
"use strict";
(() => {
  const words = document.body.dataset;

  // A button on each block of code. It is last in the box, so that it also comes up when the block has the focus.
  const addCopyButton = (pre) => {
    const box = document.createElement("div");
    box.className = "code-box";
    pre.before(box);
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = words.copy;
    const said = document.createElement("span");
    said.className = "unseen";
    said.setAttribute("role", "status");
    button.addEventListener("click", async () => {
      const text = (pre.querySelector("code") || pre).textContent;
      try {
        await navigator.clipboard.writeText(text);
      } catch {
        const range = document.createRange(); // no clipboard without TLS: select, so that Ctrl+C does it
        range.selectNodeContents(pre.querySelector("code") || pre);
        getSelection().removeAllRanges();
        getSelection().addRange(range);
        if (!document.execCommand("copy")) return;
        getSelection().removeAllRanges();
      }
      button.textContent = said.textContent = words.copied;
      setTimeout(() => { button.textContent = words.copy; said.textContent = ""; }, 2000);
    });
    box.append(pre, button, said);
  };
  if (words.copy) document.querySelectorAll(".prose pre").forEach(addCopyButton);

  // The page is the same for everybody; who is signed in, this finds out. Without a script the link is right both ways.
  const door = document.querySelector(".account-link");
  if (door) {
    fetch("/me", { headers: { Accept: "application/json" } })
      .then((answer) => (answer.ok ? answer.json() : null))
      .then((me) => {
        if (!me) return;
        if (me.signed_in) { door.textContent = me.name || door.textContent; return; }
        door.textContent = door.dataset.signIn;
        door.href = door.dataset.signInUrl + "?to=" + encodeURIComponent(location.pathname);
      })
      .catch(() => {});
  }

  // Whoever opens a mailed link in the browser that asked for it has pressed a button already.
  const go = document.querySelector("form[data-go]");
  if (go && !performance.getEntriesByType("navigation").some((n) => n.type !== "navigate")) go.requestSubmit();

  const print = document.querySelector("[data-print]");
  if (print) {
    print.hidden = false;
    print.addEventListener("click", () => window.print());
  }

  // Keys for the film: J and L ten seconds, arrows five, K or space, C captions, 1 to 9 tenths.
  const film = document.querySelector(".film video");
  const seek = (to) => { film.currentTime = Math.max(0, Math.min(film.duration || 0, to)); };
  const toggleCaptions = () => {
    const tracks = [...film.textTracks];
    const shown = tracks.find((t) => t.mode === "showing");
    if (shown) { shown.mode = "disabled"; return; }
    const wanted = document.documentElement.lang;
    const track = tracks.find((t) => t.language === wanted) || tracks[0];
    if (track) track.mode = "showing";
  };
  const filmKeys = {
    j: () => seek(film.currentTime - 10),
    l: () => seek(film.currentTime + 10),
    ArrowLeft: () => seek(film.currentTime - 5),
    ArrowRight: () => seek(film.currentTime + 5),
    k: () => (film.paused ? film.play() : film.pause()),
    c: toggleCaptions,
  };
  if (film) {
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const at = event.target;
      if (at !== film && at.closest("input, textarea, select, button, summary, [contenteditable]")) return;
      const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
      // Arrows scroll wide code and tables: they are the film's only while the film has the focus or nothing has.
      if (key.startsWith("Arrow") && at !== film && at !== document.body) return;
      const act = filmKeys[key] || (/^[1-9]$/.test(key) ? () => seek((film.duration || 0) * Number(key) / 10) : null);
      if (!act) return;
      event.preventDefault();
      act();
    });
  }

  // The contents follow the reading: the last heading above the upper third is where the reader is.
  const links = [...document.querySelectorAll(".contents-side a")];
  const parts = links.map((a) => document.getElementById(decodeURIComponent(a.hash.slice(1)))).map((h, i) => [h, links[i]]).filter(([h]) => h);
  if (parts.length > 0) {
    let waiting = false;
    const mark = () => {
      waiting = false;
      const edge = innerHeight / 3;
      let here = null;
      for (const [heading, link] of parts) if (heading.getBoundingClientRect().top < edge) here = link;
      for (const link of links) {
        if (link === here) link.setAttribute("aria-current", "true");
        else link.removeAttribute("aria-current");
      }
    };
    addEventListener("scroll", () => { if (!waiting) { waiting = true; requestAnimationFrame(mark); } }, { passive: true });
    mark();
  }

  // The language menu folds when the reader goes elsewhere.
  const menu = document.querySelector(".languages");
  if (menu) {
    document.addEventListener("click", (event) => { if (!menu.contains(event.target)) menu.open = false; });
    menu.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && menu.open) { menu.open = false; menu.querySelector("summary").focus(); }
    });
  }
})();
