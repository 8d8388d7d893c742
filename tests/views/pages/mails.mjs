// SPDX-License-Identifier: Apache-2.0
// node mails.mjs WRITE_SAMPLE_MAILS SOURCES: every mail as a browser takes it: valid HTML, nothing fetched, nothing wider than 320 px,
// and readable in light and dark. Needs the peers of tests/browser/run.mjs; exits 77 (skipped) where one is missing.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [writer, sources] = process.argv.slice(2);
const peersFolder = process.env.LYCEUM_PEERS || path.join(sources, "tests/peers");
const executablePath = process.env.CHROMIUM || "/usr/bin/chromium";
for (const needed of [executablePath, ...["playwright-core", "axe-core", "html-validate"].map((name) => path.join(peersFolder, "node_modules", name))])
  if (!existsSync(needed)) {
    console.error(`SKIPPED: there is no ${needed}: no mail was looked at. ops/test installs what is missing.`);
    process.exit(77);
  }
const peers = createRequire(path.join(peersFolder, "package.json"));
const { chromium } = peers("playwright-core");
const { HtmlValidate } = peers("html-validate");
const axeSource = peers("axe-core").source;

const validator = new HtmlValidate({
  extends: ["html-validate:recommended"],
  rules: {
    "no-inline-style": "off", // the preview has to stay unseen where a mail program drops the style sheet
    "void-style": "off",
    "doctype-style": "off",
    "long-title": "off",      // the subject
    "no-trailing-whitespace": "off",
    "tel-non-breaking": "off", // a code is no telephone number
  },
});

const folder = mkdtempSync(path.join(os.tmpdir(), "lyceum-mails-"));
let failed = 0;
const report = (name, faults) => {
  for (const fault of faults) console.log(`FAIL ${name}: ${fault}`);
  failed += faults.length;
};
try {
  execFileSync(writer, [folder]);
  const mails = readdirSync(folder).filter((name) => name.endsWith(".html")).sort();
  if (mails.length < 70) report("mails", [`only ${mails.length} were written`]);
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"] });
  for (const name of mails) {
    const result = await validator.validateString(readFileSync(path.join(folder, name), "utf8"));
    report(name, result.results.flatMap((r) => r.messages.map((m) => `${m.line}:${m.column} ${m.message} (${m.ruleId})`)));
  }
  for (const colorScheme of ["light", "dark"]) {
    const context = await browser.newContext({ viewport: { width: 320, height: 640 }, colorScheme, bypassCSP: true });
    const page = await context.newPage();
    page.on("request", (request) => {
      if (!request.url().startsWith("file:")) report(colorScheme, [`asks for ${request.url()}`]);
    });
    for (const name of mails) {
      await page.goto(pathToFileURL(path.join(folder, name)).href, { waitUntil: "load" });
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      if (width > 320) report(`${name} ${colorScheme}`, [`is ${width} px wide`]);
      await page.evaluate(axeSource);
      const found = await page.evaluate(() => axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag22aa"] }));
      report(`${name} ${colorScheme}`, found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(" ").slice(0, 200)}`));
    }
    await context.close();
  }
  await browser.close();
  console.log(`${mails.length} mails, ${failed} faults`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit(failed === 0 ? 0 : 1);
