// SPDX-License-Identifier: Apache-2.0
// A browser in somebody's hand, for scripts that go through pages as people do: by links, fields and buttons. Its mailbox is the school's
// /dev/mailbox. What fails says what the page says.

const patience = 10_000; // ms, for a page or for a mail
const textMax = 700;     // characters of a page in a report
const ready = { waitUntil: "domcontentloaded" }; // deferred scripts have run by then

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

export class Device {
  #base;
  #scripted;
  #context;
  #seen = new Set();
  faults = []; ///< what the browser said on its console, and whom else than the school it asked

  /** `agent` is what it calls itself; `scripted` whether it has JavaScript; `state` the cookies that it begins with. */
  static async open(browser, base, { name, agent, scripted, state }) {
    const device = new Device();
    device.name = name;
    device.#base = base;
    device.#scripted = scripted;
    // A view transition takes the clicks that come while it runs.
    device.#context = await browser.newContext({ userAgent: agent, javaScriptEnabled: scripted, reducedMotion: "reduce", storageState: state });
    const page = await device.#context.newPage();
    page.setDefaultTimeout(patience);
    page.on("console", (m) => {
      const refused = m.text().startsWith("Failed to load resource") && m.location().url === page.url(); // a form with a fault: 422
      if (["error", "warning"].includes(m.type()) && !refused) device.faults.push(`console: ${m.text()}`);
    });
    page.on("pageerror", (e) => device.faults.push(`script: ${e.message}`));
    page.on("request", (r) => { if (!r.url().startsWith(base + "/")) device.faults.push(`request to another host: ${r.url()}`); });
    device.page = page;
    return device;
  }

  close() { return this.#context.close(); }

  /** Its cookies, to be stolen. */
  state() { return this.#context.storageState(); }

  /** Opens a path or an address of the school; `status` is the answer's that is wanted. */
  async go(to, status = 200) {
    const answer = await this.page.goto(to.startsWith("/") ? this.#base + to : to, ready);
    if (answer.status() !== status) throw new Error(`${to} answers ${answer.status()}, not ${status}`);
  }

  /** Presses what leads to another page; `status` is that page's. */
  async press(selector, status = 200) {
    const [answer] = await Promise.all([this.page.waitForNavigation(ready), this.page.click(selector)]);
    if (answer.status() !== status) throw new Error(`${selector} leads to ${answer.status()} ${answer.url()}, not ${status}`);
  }

  /** Fills the fields of the form that `button` belongs to, and sends it. */
  async send(fields, status = 200, button = ".form .button") {
    for (const [field, text] of Object.entries(fields)) await this.page.fill(`#${field}`, text);
    await this.press(button, status);
  }

  /** Waits until the page says all of that. */
  async says(...all) {
    for (const text of all)
      await this.page.locator("main", { hasText: text }).waitFor().catch(() => { throw new Error(`the page does not say “${text}”`); });
  }

  /** The fault of a field, where a screen reader finds it: an alert that the field names. */
  async refuses(field, text) {
    const named = await this.page.getAttribute(`#${field}[aria-invalid=true]`, "aria-describedby");
    if (!named) throw new Error(`#${field} is refused, and names no alert`);
    const alert = named.split(" ").pop();
    const said = (await this.page.textContent(`#${alert}[role=alert]`)).trim();
    if (!said.includes(text)) throw new Error(`#${field} is refused with “${said}”, not “${text}”`);
  }

  async texts(selector) { return (await this.page.locator(selector).allTextContents()).map((t) => t.trim().replace(/\s+/g, " ")); }

  /** The file that pressing gives. */
  async file(selector) {
    const [download] = await Promise.all([this.page.waitForEvent("download"), this.page.click(selector)]);
    const parts = [];
    for await (const part of await download.createReadStream()) parts.push(part);
    return { name: download.suggestedFilename(), text: Buffer.concat(parts).toString() };
  }

  /** Opens the newest mail of a kind to an address that this device has not opened yet. Stays on its page. */
  async mail(kind, to) {
    const rows = this.page.locator(".row", { has: this.page.locator(`.label:text-is("${kind}")`), hasText: `to ${to}` });
    for (const end = Date.now() + patience; ; await pause(100)) {
      await this.go("/dev/mailbox");
      const found = await rows.locator("a").evaluateAll((links) => links.map((a) => a.getAttribute("href")));
      const fresh = found.find((url) => !this.#seen.has(url));
      if (fresh) {
        this.#seen.add(fresh);
        await this.press(`a[href="${fresh}"]`);
        const text = await this.page.textContent("pre >> nth=0");
        const links = await this.page.locator(".prose ul a").evaluateAll((all) => all.map((a) => a.href));
        return { text, links, link: links.find((l) => l.includes("/sign-in/link/")), code: (/^\s*(\d{6})\s*$/m.exec(text) || [])[1] };
      }
      if (Date.now() > end) throw new Error(`no mail ${kind} to ${to} within ${patience / 1000} s`);
    }
  }

  /** Follows a sign-in link of the mail that is open, and the button behind it, which a script presses where this device asked for the mail. */
  async follow(link) {
    await this.page.click(`.prose a[href="${link}"]`);
    if (!this.#scripted) {
      await this.page.waitForURL(link, ready);
      await this.page.click(".form .button");
    }
    await this.page.waitForURL((at) => at.origin === this.#base && !/^\/(dev|sign-in)\//.test(at.pathname), ready)
      .catch(() => { throw new Error(`${link} does not lead on within ${patience / 1000} s`); });
  }

  /** Whether this browser's cookies open the account right now. Looks beside the page. */
  async isIn() {
    const answer = await this.#context.request.get(`${this.#base}/account`, { maxRedirects: 0 });
    if (answer.status() === 200) return true;
    if (answer.status() === 303 && answer.headers().location.startsWith("/sign-in")) return false;
    throw new Error(`/account answers ${answer.status()} to ${this.name}`);
  }

  /** Throws unless it is signed out within so many ms; then its page says so, too. */
  async isOutWithin(limit) {
    for (const end = Date.now() + limit; await this.isIn(); await pause(50))
      if (Date.now() > end) throw new Error(`${this.name} is still signed in after ${limit} ms`);
    await this.go("/account");
    if (!this.page.url().includes("/sign-in")) throw new Error(`${this.name} is not asked to sign in, but at ${this.page.url()}`);
  }

  /** For a report: where it is and what stands there. */
  async account() {
    const text = await this.page.locator("main").innerText({ timeout: 1_000 }).catch((e) => e.message.split("\n")[0]);
    return `${this.name} at ${this.page.url()}: ${text.replace(/\s+/g, " ").slice(0, textMax)}`;
  }
}
