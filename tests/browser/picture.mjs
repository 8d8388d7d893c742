// SPDX-License-Identifier: Apache-2.0
// node picture.mjs PROGRAM [FILE]: the picture of a lesson in README.md, made anew: the sample school's first lesson, as
// a desk shows it. FILE is ops/pictures/lesson.png where it is left out. Needs what run.mjs needs.
import { mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { withServer } from "./server.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const sources = path.join(here, "../..");
const peers = createRequire(path.join(process.env.LYCEUM_PEERS || path.join(here, "../peers"), "package.json"));
const { chromium } = peers("playwright-core");

const [program, file = path.join(sources, "ops/pictures/lesson.png")] = process.argv.slice(2);
if (!program) {
  console.error("usage: node picture.mjs PROGRAM [FILE]");
  process.exit(2);
}

await withServer(program, path.join(sources, "ops/sample_school"), async (base) => {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
  const page = await browser.newPage({ viewport: { width: 1200, height: 970 }, colorScheme: "light", reducedMotion: "reduce" });
  const lesson = `${base}/courses/let-it-crash/what-is-running-here`;
  await page.goto(lesson, { waitUntil: "networkidle" });
  await mkdir(path.dirname(file), { recursive: true });
  await page.screenshot({ path: file });
  await browser.close();
});
