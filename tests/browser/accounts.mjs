// SPDX-License-Identifier: Apache-2.0
// node accounts.mjs BASE_URL PROGRAM CONTROL_SOCKET [FOLDER]: the pages about accounts of a running server, gone through as a learner
// does, in headless Chromium. With FOLDER, pictures of them are kept there, to be looked at. Needs what run.mjs needs. Prints a line a
// check; exit 1 where one fails.
import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Authenticator, base32 } from "./totp.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const peers = createRequire(path.join(process.env.LYCEUM_PEERS || path.join(here, "../peers"), "package.json"));
const { chromium } = peers("playwright-core");
const { HtmlValidate } = peers("html-validate");
const axeSource = peers("axe-core").source;

const [base, program, control, pictures] = process.argv.slice(2);
if (!control || !/^http:\/\/127\.0\.0\.1:\d+$/.test(base)) {
  console.error("usage: node accounts.mjs http://127.0.0.1:PORT PROGRAM CONTROL_SOCKET [FOLDER]");
  process.exit(2);
}
const views = [[360, "light"], [360, "dark"], [768, "dark"], [1280, "light"], [1440, "dark"]];
const run = promisify(execFile);
const user = async (...words) => (await run(program, ["user", ...words, "--data", path.dirname(control)])).stdout.trim();

let passed = 0;
let failed = 0;
const report = (name, faults) => {
  const list = [faults].flat(Infinity).filter(Boolean);
  if (list.length === 0) passed++;
  else failed++;
  console.log(`${list.length === 0 ? "ok  " : "FAIL"} ${name}${list.map((f) => `\n       ${f}`).join("")}`);
};

const validator = new HtmlValidate({ extends: ["html-validate:recommended"], rules: {
  "no-trailing-whitespace": "off", "void-style": "off", "doctype-style": "off", "long-title": "off", "attribute-boolean-style": "off",
  "prefer-native-element": "off", "require-sri": "off", "no-raw-characters": "off" } });

// The same bars as run.mjs has: nothing sideways, 44 px for a finger, no violation that axe finds.
const tooWide = (page) => page.evaluate(() => {
  const root = document.documentElement;
  return root.scrollWidth > root.clientWidth ? [`the page scrolls sideways: ${root.scrollWidth} > ${root.clientWidth}`] : [];
});
const smallTargets = (page) => page.evaluate(() => {
  const faults = [];
  for (const e of document.querySelectorAll("summary, nav a, .button, .onward a, .other, .account-link, .doors a, .field input, select")) {
    const { width, height } = e.getBoundingClientRect();
    if (width > 0 && height > 0 && height < 43.9) faults.push(`${height.toFixed(1)} px high: ${e.outerHTML.slice(0, 80)}`);
  }
  return faults;
});
const axeFaults = async (page) => {
  const found = await page.evaluate(`${axeSource}; axe.run(document, { resultTypes: ["violations"] })`);
  return found.violations.map((v) => `axe ${v.id}: ${v.nodes.length} × ${v.nodes[0].target} ${v.nodes[0].any.map((a) => a.message)[0] || v.help}`);
};

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});
const faultsOf = new Map();
const open = async (options = {}) => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const faults = [];
  faultsOf.set(page, faults);
  page.on("console", (m) => {
    const refused = m.text().startsWith("Failed to load resource") && m.location().url === page.url(); // a form with a fault: 422
    if (["error", "warning"].includes(m.type()) && !refused) faults.push(`console: ${m.text()}`);
  });
  page.on("pageerror", (e) => { if (!e.message.startsWith("Transition was aborted")) faults.push(`script: ${e.message}`); }); // by a new width
  page.on("request", (r) => { if (!r.url().startsWith(base + "/")) faults.push(`request to another host: ${r.url()}`); });
  return page;
};

// The page as it stands, at every width and in both schemes; and its markup, as the server sent it.
const look = async (page, name) => {
  const faults = [];
  const result = await validator.validateString(await page.content(), name);
  faults.push(...result.results.flatMap((r) => r.messages.map((m) => `html ${m.line}:${m.column} ${m.ruleId}: ${m.message}`)));
  for (const [width, scheme] of views) {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme: scheme });
    const here = [...(await tooWide(page)), ...(await smallTargets(page)), ...(await axeFaults(page))];
    faults.push(...here.map((f) => `${width} ${scheme}: ${f}`));
    if (pictures) await page.screenshot({ path: path.join(pictures, `${name}-${width}-${scheme}.png`), fullPage: true, caret: "initial" });
  }
  faults.push(...faultsOf.get(page).splice(0));
  report(name, faults);
};

await user("add", "ada.lovelace+school@example.org", "--name", "Ada <b>O'Hara</b> Söhne of a Rather Long Name");
await user("grant", "ada.lovelace+school@example.org", "pro", "--until", "2999-05-04");
await user("grant", "ada.lovelace+school@example.org", "a plan with quite a long name that has to wrap somewhere");

const guest = await open();
await guest.goto(`${base}/`);
report("the head says where to sign in", (await guest.textContent(".account-link")).trim() === "Sign in" ? [] : ["it does not"]);
await guest.click(".account-link");
await guest.waitForURL(/\/sign-in/);
await look(guest, "sign-in");
await guest.fill("#address", "ada@");
await guest.click(".form .button");
await look(guest, "sign-in-wrong");
report("the fault is where a screen reader looks for it",
  (await guest.getAttribute("#address", "aria-describedby")) === "wrong" ? [] : ["it is not"]);
await guest.fill("#address", "ada.lovelace+school@example.org");
await guest.click(".form .button");
await guest.waitForURL(/\/sign-in\/code/);
await guest.click("details.more summary");
await look(guest, "sign-in-code");
await guest.fill("#code", "000000");
await guest.click(".form .button");
await look(guest, "sign-in-code-wrong");
await guest.goto(`${base}/sign-in/password`);
await guest.fill("#address", "ada@example.org");
await guest.fill("#password", "wrong");
await guest.click(".form .button");
await look(guest, "sign-in-password-wrong");
await guest.goto(`${base}/sign-in/link/nothing`);
await look(guest, "link-gone");
await guest.goto(`${base}/de/sign-in`);
await look(guest, "sign-in-de");

const ada = await open();
await ada.goto((await user("sign-in-link", "ada.lovelace+school@example.org", "--base-url", base)));
await look(ada, "sign-in-link");
await ada.click(".form .button");
await ada.waitForURL(`${base}/`);
await ada.waitForTimeout(300);
report("the head names who is signed in",
  (await ada.textContent(".account-link")).startsWith("Ada <b>O'Hara</b>") ? [] : ["it does not"]);
await look(ada, "home-signed-in");
for (const [name, at] of [["account", "/account"], ["sessions", "/account/sessions"], ["security", "/account/security"],
  ["password", "/account/security/password"], ["address", "/account/address"], ["delete", "/account/delete"],
  ["confirm", "/account/confirm"], ["account-de", "/de/account"]]) {
  await ada.goto(base + at);
  await look(ada, name);
}
await ada.goto(`${base}/account/address`);
await ada.fill("#address", "new@example.org");
await ada.click(".form .button");
await ada.waitForSelector("#newCode");
await look(ada, "address-under-way");
await ada.goto(`${base}/account/security/second-factor`);
await look(ada, "second-factor-setup");
const authenticator = new Authenticator(base32(await ada.textContent(".secret")));
await ada.fill("#code", await authenticator.next());
await ada.click(".form .button");
await ada.waitForSelector(".codes");
await look(ada, "recovery-codes");
await ada.goto(`${base}/account/security`);
await look(ada, "security-on");
await ada.goto(`${base}/account/confirm`);
await look(ada, "confirm-second-factor");

const phone = await open({ viewport: { width: 360, height: 740 } });
await phone.goto((await user("sign-in-link", "ada.lovelace+school@example.org", "--base-url", base)));
await phone.click(".form .button");
await phone.waitForURL(/second-factor/);
await look(phone, "second-factor");
await phone.fill("#code", await authenticator.next());
await phone.click(".form .button");
await phone.waitForURL(`${base}/`);
await phone.goto(`${base}/account`);
await phone.click("text=Sign out");
await phone.waitForURL(`${base}/`);
await phone.goto(`${base}/account`);
report("who has signed out is asked to sign in", phone.url().includes("/sign-in") ? [] : [phone.url()]);

const plain = await open({ javaScriptEnabled: false });
await plain.goto(`${base}/`);
await plain.click(".account-link");
await plain.waitForURL(/\/sign-in/);
await plain.fill("#address", "bob@example.org");
await plain.click(".form .button");
report("without a script one gets as far as the code", (await plain.isVisible("#code")) ? [] : ["one does not"]);

// What operators see of the same: the account, and the mails that it was sent.
const operator = await open();
await operator.goto(JSON.parse((await run(program, ["ctl", "--control", control, "--json", "console"])).stdout).link);
await operator.click("#enterButton");
await operator.waitForURL(`${base}/ops`);
await operator.click("text=Accounts");
await look(operator, "ops-accounts");
await operator.fill("#findAddress", "ada.lovelace+school@example.org");
await operator.click("text=Find it");
await operator.waitForURL(/\/ops\/accounts\?id=/);
await look(operator, "ops-account");
await operator.goto(`${base}/ops/mail`);
await look(operator, "ops-mails");
await operator.click("[aria-label='Pause sign_in']");
await look(operator, "ops-mail-ask");
await operator.click(".loud");
await operator.waitForURL(`${base}/ops/mail`);
report("a paused template says so", (await operator.isVisible("text=Paused: sign_in.")) ? [] : ["it does not"]);
await look(operator, "ops-mails-paused");
await operator.click("[aria-label='Resume sign_in']");
await operator.click(".loud");
await operator.click("text=/^sign_in to /");
await operator.waitForURL(/\/ops\/mail\?id=/);
await look(operator, "ops-mail");

await browser.close();
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
