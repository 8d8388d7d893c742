// SPDX-License-Identifier: Apache-2.0
// node journey.mjs PROGRAM SOURCES: an account's whole life in headless Chromium, with JavaScript and by forms alone, each on SQLite and,
// where LYCEUM_TEST_POSTGRES names a server, on a fresh database in it. Every journey has a server of its own.
// Needs playwright-core (tests/peers; LYCEUM_PEERS), chromium (CHROMIUM) and, for PostgreSQL, psql. Prints a line a step; exit 1 where one
// fails, 77, which ctest counts as skipped, without a browser or the peer.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { live } from "./journey_steps.mjs";
import { withServer } from "./server.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const [program, sources] = process.argv.slice(2);
const skipped = 77;
const journeyWithin = 60_000; // ms
const psqlWithin = 30_000;    // ms

if (!sources) {
  console.error("usage: node journey.mjs PROGRAM SOURCES");
  process.exit(2);
}
const skip = (why) => {
  console.error(`SKIPPED: ${why}: no account was made. ops/test installs what is missing.`);
  process.exit(skipped);
};
const peers = process.env.LYCEUM_PEERS || path.join(here, "../peers");
if (!existsSync(path.join(peers, "node_modules/playwright-core/package.json"))) skip(`playwright-core is not in ${peers}/node_modules`);
const executablePath = process.env.CHROMIUM || "/usr/bin/chromium";
if (!existsSync(executablePath)) skip(`there is no ${executablePath}`);
const { chromium } = createRequire(path.join(peers, "package.json"))("playwright-core");

const postgres = process.env.LYCEUM_TEST_POSTGRES;
const psql = (sql) => promisify(execFile)("psql", [postgres, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql], { timeout: psqlWithin });
let databases = 0;
const engines = {
  SQLite: (use) => use([]),
  PostgreSQL: async (use) => {
    const name = `journey_${process.pid}_${++databases}`;
    await psql(`CREATE DATABASE ${name}`);
    const url = new URL(postgres);
    url.pathname = `/${name}`;
    try {
      return await use(["--database", url.href]);
    } finally {
      await psql(`DROP DATABASE ${name} WITH (FORCE)`);
    }
  },
};

const browser = await chromium.launch({
  executablePath,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});

// Returns whether all of it went well. Says what every device's page said where it did not.
const journey = async (base, scripted) => {
  const devices = [];
  let doing = "nothing yet";
  const step = async (name, act) => {
    doing = name;
    const since = Date.now();
    await act();
    console.log(`ok   ${name} (${Date.now() - since} ms)`);
  };
  let late;
  const tooLate = new Promise((_, fail) => { late = setTimeout(() => fail(new Error(`not done within ${journeyWithin / 1000} s`)), journeyWithin); });
  try {
    await Promise.race([live({ browser, base, scripted, devices, step }), tooLate]);
    const faults = devices.flatMap((d) => d.faults.map((f) => `${d.name}: ${f}`));
    if (faults.length > 0) throw new Error(faults.join("\n       "));
    return true;
  } catch (error) {
    console.log(`FAIL ${doing}\n       ${error.message.trim().split("\n").join("\n       ")}`);
    for (const device of devices.filter((d) => d.page.url() !== "about:blank")) console.log(`       ${await device.account()}`);
    return false;
  } finally {
    clearTimeout(late);
    for (const device of devices) await device.close();
  }
};

let failed = 0;
for (const [engine, withEngine] of Object.entries(engines)) {
  if (engine === "PostgreSQL" && !postgres) {
    console.log("--- SKIPPED: no PostgreSQL: set LYCEUM_TEST_POSTGRES (ops/test does)");
    continue;
  }
  for (const scripted of [true, false]) {
    console.log(`--- ${engine}, ${scripted ? "with JavaScript" : "by forms alone"}`);
    const since = Date.now();
    const went = await withEngine((more) =>
      withServer(program, path.join(sources, "ops/sample_school"), (base) => journey(base, scripted), more));
    if (!went) failed++;
    console.log(`     ${((Date.now() - since) / 1000).toFixed(1)} s`);
  }
}
await browser.close();
process.exit(failed > 0 ? 1 : 0);
