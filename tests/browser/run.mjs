// SPDX-License-Identifier: Apache-2.0
// node run.mjs BASE_URL [PATH | KIND=PATH …]: what a learner's browser sees of a running server, checked in headless Chromium.
// Without paths: home, courses, and the first course, lesson, article and video lesson that /sitemap.xml names. A lesson is
// weighed, a film played.
// Needs playwright-core, axe-core and html-validate (tests/peers) and Debian's chromium; LYCEUM_PEERS may name the folder
// whose node_modules holds them, CHROMIUM the browser. Prints a line a check; exit 1 where one fails, 2 for wrong usage.
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { findPages } from "./find_pages.mjs";
import { checkFilm } from "./film.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const peers = createRequire(path.join(process.env.LYCEUM_PEERS || path.join(here, "../peers"), "package.json"));
const { chromium } = peers("playwright-core");
const { HtmlValidate } = peers("html-validate");
const axeSource = peers("axe-core").source;

const [base, ...wanted] = process.argv.slice(2);
if (!base || !/^http:\/\/(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(base)) {
  console.error("usage: node run.mjs http://127.0.0.1:PORT [PATH…]");
  process.exit(2);
}

// Each width and each scheme, not each with each: colours do not depend on the width.
const views = [[360, "light"], [768, "dark"], [1440, "light"]];
const pagesAtOnce = 3;
const pageTimeout = 30_000;
let passed = 0;
let failed = 0;

const report = (name, faults) => {
  const list = [faults].flat().filter(Boolean);
  if (list.length === 0) passed++;
  else failed++;
  console.log(`${list.length === 0 ? "ok  " : "FAIL"} ${name}${list.map((f) => `\n       ${f}`).join("")}`);
};

// Runs a check in a page of its own. What the browser says on its console, and whom it asks, is part of every check.
const inPage = async (browser, name, options, body) => {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(pageTimeout);
  const faults = [];
  page.on("console", (m) => {
    const own = m.location().url === page.url() && m.text().startsWith("Failed to load resource"); // an error page, asked for
    if (["error", "warning"].includes(m.type()) && !own) faults.push(`console: ${m.text()}`);
  });
  page.on("pageerror", (e) => faults.push(`script: ${e.message}`));
  page.on("request", (r) => {
    if (!r.url().startsWith(base + "/")) faults.push(`request to another host: ${r.url()}`);
  });
  page.on("response", (r) => { if (r.status() >= 400 && !r.request().isNavigationRequest()) faults.push(`${r.status()} ${r.url()}`); });
  try {
    faults.push(...([await body(page, context)].flat(2)));
  } catch (error) {
    faults.push(error.message.split("\n")[0]);
  }
  report(name, faults);
  await context.close();
};

const htmlFaults = async (validator, url) => {
  const answer = await fetch(url);
  const result = await validator.validateString(await answer.text(), url);
  return result.results.flatMap((r) => r.messages.map((m) => `html ${m.line}:${m.column} ${m.ruleId}: ${m.message}`));
};

const axeFaults = async (page) => {
  const found = await page.evaluate(`${axeSource}; axe.run(document, { resultTypes: ["violations"] })`);
  return found.violations.map((v) => `axe ${v.id}: ${v.nodes.length} × ${v.nodes[0].target} ${v.nodes[0].any.map((a) => a.message)[0] || v.help}`);
};

const tooWide = (page) => page.evaluate(() => {
  const root = document.documentElement;
  if (root.scrollWidth <= root.clientWidth) return [];
  const culprit = [...document.body.querySelectorAll("*")].find((e) => e.getBoundingClientRect().right > root.clientWidth + 1);
  return [`the page scrolls sideways: ${root.scrollWidth} > ${root.clientWidth}, ${culprit && culprit.outerHTML.slice(0, 90)}`];
});

// To the end, a screen at a time, so that everything that waits until it is near has come.
const readDown = (page) => page.evaluate(async () => {
  const screensMax = 60;
  for (let i = 0; i < screensMax && scrollY + innerHeight < document.documentElement.scrollHeight - 1; i++) {
    scrollBy(0, innerHeight);
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  }
  scrollTo(0, 0);
});

// look.md of the reading room: 44 px for what a finger must hit. A link inside a line of text is exempt, but a footnote's number is
// hit within 44 px around it.
const smallTargets = (page) => page.evaluate(() => {
  const faults = [];
  for (const fold of document.querySelectorAll("details")) fold.open = true;
  for (const e of document.querySelectorAll("summary, nav a, .skip, .button, .onward a, .bottom a")) {
    const { width, height } = e.getBoundingClientRect();
    if (width > 0 && height > 0 && height < 43.9) faults.push(`${height.toFixed(1)} px high: ${e.outerHTML.slice(0, 80)}`);
  }
  for (const e of document.querySelectorAll(".footnote-ref a")) {
    const { width, height } = getComputedStyle(e, "::before");
    if (parseFloat(width) < 43.9 || parseFloat(height) < 43.9) faults.push(`a footnote's number is hit within ${width} × ${height}`);
  }
  for (const fold of document.querySelectorAll("details")) fold.open = false;
  return faults;
});

// Each fact brings its dot in front, and what begins a line stands at the text's edge: so the dot there is cut off.
const linesOfFacts = (page) => page.evaluate(() => {
  const faults = [];
  for (const facts of document.querySelectorAll(".facts")) {
    if (facts.getBoundingClientRect().height === 0 || facts.closest("[dir=rtl]") || document.dir === "rtl") continue;
    const edge = facts.parentElement.getBoundingClientRect().left + parseFloat(getComputedStyle(facts.parentElement).paddingLeft);
    let line = -1;
    for (const fact of [...facts.children].filter((e) => !e.matches(".unseen"))) {
      const { left, top, bottom } = fact.getBoundingClientRect();
      if (getComputedStyle(fact, "::after").content !== "none") faults.push(`a dot may hang at a line's end: ${fact.outerHTML.slice(0, 60)}`);
      if (top >= line && Math.abs(left - edge) > 1) faults.push(`a line of facts begins at ${left}, not ${edge}: ${fact.outerHTML.slice(0, 60)}`);
      line = Math.max(line, bottom - 1);
    }
  }
  return faults;
});

const layoutShift = (page) => page.evaluate(() => new Promise((done) => {
  let sum = 0;
  new PerformanceObserver((list) => { for (const e of list.getEntries()) sum += e.value; }).observe({ type: "layout-shift", buffered: true });
  setTimeout(() => done(sum > 0.01 ? [`layout shift ${sum.toFixed(3)}`] : []), 100);
}));

const keyboardFaults = async (page) => {
  const faults = [];
  await page.keyboard.press("Tab");
  const first = await page.evaluate(() => document.activeElement.getAttribute("href"));
  if (first !== "#pageText") faults.push(`the first Tab reaches ${first}, not the skip link`);
  const box = await page.locator(".skip").boundingBox();
  if (!box || box.y < 0) faults.push("the skip link stays out of sight while it has the focus");
  await page.keyboard.press("Enter");
  if (!(await page.evaluate(() => document.activeElement.id === "pageText"))) faults.push("the skip link does not move the focus to the text");
  for (let i = 0; i < 12; i++) {
    await page.keyboard.press("Tab");
    const hidden = await page.evaluate(() => {
      const at = document.activeElement;
      if (at === document.body || at.tagName === "VIDEO") return null;
      const outlines = [at, at.closest(".film"), null].filter(Boolean).map((e) => getComputedStyle(e).outlineStyle);
      outlines.push(getComputedStyle(at, "::after").outlineStyle);
      return outlines.some((o) => o !== "none") ? null : at.outerHTML.slice(0, 80);
    });
    if (hidden) faults.push(`no visible focus: ${hidden}`);
  }
  return faults;
};

const readableWithoutScript = async (page) => {
  const text = await page.locator("main").innerText();
  const heading = await page.locator("h1").count();
  return [text.trim().length < 60 && `main holds ${text.trim().length} characters`, heading !== 1 && `${heading} first headings`];
};

const weightMax = 60 * 1024;
const weight = async (context, page, url) => {
  const session = await context.newCDPSession(page);
  await session.send("Network.enable");
  let bytes = 0;
  const counted = new Set();
  session.on("Network.responseReceived", (e) => { if (["Document", "Stylesheet", "Script"].includes(e.type)) counted.add(e.requestId); });
  session.on("Network.loadingFinished", (e) => { if (counted.has(e.requestId)) bytes += e.encodedDataLength; });
  await page.goto(url, { waitUntil: "load" });
  return { bytes, fault: bytes > weightMax && `${bytes} bytes of HTML, CSS and script, more than ${weightMax}` };
};

const named = (word) => {
  const at = word.indexOf("=/");
  return at < 0 ? { kind: "page", path: word } : { kind: word.slice(0, at), path: word.slice(at + 1) };
};
const pages = wanted.length > 0 ? wanted.map(named) : await findPages(base);
const validator = new HtmlValidate({
  extends: ["html-validate:recommended"],
  rules: {
    "long-title": "off",                     // a lesson's title is its author's
    "valid-id": ["error", { relaxed: true }], // anchors follow GitHub, Unicode included
    "void-style": "off",
    "no-trailing-whitespace": "off",
    "doctype-style": "off",
    "prefer-native-element": "off",          // role="region" on a scrolling box, role="note" on a callout
    "attribute-boolean-style": "off",
    "tel-non-breaking": "off",
    "no-raw-characters": "off",
    "require-sri": "off",
  },
});
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required"],
});

const checkPage = async ({ kind, path: at }) => {
  const url = base + at;
  report(`${kind} ${at}: valid HTML`, await htmlFaults(validator, url));
  for (const [width, colorScheme] of views)
    await inPage(browser, `${kind} ${at}: ${width} px, ${colorScheme}: axe, width, console, policy, hosts, shift`,
      { viewport: { width, height: 900 }, colorScheme, reducedMotion: "reduce" }, async (page) => {
        await page.goto(url, { waitUntil: "load" });
        await readDown(page);
        return [...(await tooWide(page)), ...(await layoutShift(page)), ...(await axeFaults(page)), ...(await smallTargets(page)), ...(await linesOfFacts(page))];
      });
  await inPage(browser, `${kind} ${at}: readable without JavaScript`, { javaScriptEnabled: false }, async (page) => {
    await page.goto(url, { waitUntil: "load" });
    return readableWithoutScript(page);
  });
  await inPage(browser, `${kind} ${at}: keyboard: skip link first, focus visible`, {}, async (page) => {
    await page.goto(url, { waitUntil: "load" });
    return keyboardFaults(page);
  });
  if (kind === "lesson")
    await inPage(browser, `${kind} ${at}: weight of a first view`, {}, async (page, context) => {
      const { bytes, fault } = await weight(context, page, url);
      console.log(`     ${at}: ${bytes} bytes of HTML, CSS and script over the wire`);
      return [fault];
    });
};
const waiting = [...pages];
await Promise.all(Array.from({ length: pagesAtOnce }, async () => {
  while (waiting.length > 0) await checkPage(waiting.shift());
}));
for (const { path: at } of pages.filter((p) => p.kind === "film"))
  await inPage(browser, `film ${at}: plays, seeks with 206, shows captions, answers keys`, {}, (page) => checkFilm(page, base + at));

await browser.close();
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
