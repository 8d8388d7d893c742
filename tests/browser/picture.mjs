// SPDX-License-Identifier: Apache-2.0
// node picture.mjs PROGRAM [FOLDER]: the pictures in README.md, made anew: the sample school's first lesson as a desk shows it, and
// the console while a subsystem heals. FOLDER is ops/pictures where it is left out. Needs what run.mjs needs; takes a minute.
import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { withServer } from "./server.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const sources = path.join(here, "../..");
const peers = createRequire(path.join(process.env.LYCEUM_PEERS || path.join(here, "../peers"), "package.json"));
const { chromium } = peers("playwright-core");

const [program, folder = path.join(sources, "ops/pictures")] = process.argv.slice(2);
if (!program) {
  console.error("usage: node picture.mjs PROGRAM [FOLDER]");
  process.exit(2);
}
const run = promisify(execFile);
process.env.LYCEUM_DATABASE_CONNECTIONS_MAX ||= "2"; // a tree that fits a picture
const traffic = 45_000; // so that the curves have something to show

await withServer(program, path.join(sources, "ops/sample_school"), async (base, control) => {
  const ctl = async (...words) => (await run(program, ["ctl", "--control", control, ...words])).stdout;
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
  await mkdir(folder, { recursive: true });
  const page = await browser.newPage({ viewport: { width: 1200, height: 970 }, colorScheme: "light", reducedMotion: "reduce" });
  await page.goto(`${base}/courses/let-it-crash/what-is-running-here`, { waitUntil: "networkidle" });
  await page.screenshot({ path: path.join(folder, "lesson.png") });

  const paths = ["/", "/courses", "/courses/let-it-crash", "/articles", "/there-is-no-such-page"];
  for (const [i, end] = [{ n: 0 }, Date.now() + traffic]; Date.now() < end; i.n++) {
    await Promise.all(paths.map((at) => fetch(base + at + (i.n % 9 ? "" : `?n=${i.n}`)).then((r) => r.text())));
    await page.waitForTimeout(40 + 90 * Math.abs(Math.sin(i.n / 50)));
  }
  const desk = await browser.newPage({ viewport: { width: 1440, height: 1180 }, colorScheme: "dark", reducedMotion: "reduce" });
  await desk.goto(JSON.parse(await ctl("--json", "console")).link);
  await desk.click("#enterButton");
  await desk.waitForURL(`${base}/ops`);
  await ctl("restart", "cache/encoder");
  // Its budget is 5 in 30 s: the sixth crash degrades it, and it is tried again after 1, then 2 s.
  const seen = () => desk.evaluate(() => document.querySelector('.node[data-path="content"]').dataset.state === "degraded");
  for (const end = Date.now() + 20_000; Date.now() < end && !(await seen());) {
    for (let i = 0; i < 6; i++) await ctl("kill", "--as-crash", "content/watcher").catch(() => {});
    for (let i = 0; i < 12 && !(await seen()); i++) await desk.waitForTimeout(50);
  }
  await desk.screenshot({ path: path.join(folder, "console.png") });
  await browser.close();
});
