// SPDX-License-Identifier: Apache-2.0
// node browser_test.mjs PROGRAM SOURCES: starts the program with the sample school, and with the corpus where there is one
// (LYCEUM_CORPUS, else ../shared/corpus/elixirschool beside the sources), and runs run.mjs on their pages.
// Exit 77, which ctest counts as skipped, without a browser or the npm peers.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { withServer } from "./server.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const [program, sources] = process.argv.slice(2);
const skipped = 77;

const skip = (why) => {
  console.error(`SKIPPED: ${why}: no page was looked at. ops/test installs what is missing.`);
  process.exit(skipped);
};
const peers = process.env.LYCEUM_PEERS || path.join(here, "../peers");
for (const peer of ["playwright-core", "axe-core", "html-validate"])
  if (!existsSync(path.join(peers, "node_modules", peer, "package.json"))) skip(`${peer} is not in ${peers}/node_modules`);
const chromium = process.env.CHROMIUM || "/usr/bin/chromium";
if (!existsSync(chromium)) skip(`there is no ${chromium}`);

// Of each kind that the sample school has none of, or not so much of.
const corpusPages = [
  "lesson=/courses/basics/enum", "film=/courses/basics/basics", "Chinese=/zh-hans/courses/basics/collections",
  "Japanese=/ja/courses/basics/strings", "right to left=/ar/courses/basics/basics", "right to left=/fa/courses/basics",
  "locked=/courses/advanced/otp-distribution", "tables=/courses/advanced/typespec", "pictures=/articles/elixir-cards-review",
  "languages=/",
];

const look = async (base, pages) => {
  const run = spawn(process.execPath, [path.join(here, "run.mjs"), base, ...pages], { stdio: "inherit" });
  const [status] = await once(run, "exit");
  return status;
};

let failed = 0;
const school = async (name, folder, pages) => {
  console.log(`--- ${name}`);
  failed += (await withServer(program, folder, (base) => look(base, pages))) === 0 ? 0 : 1;
};
await school("the sample school", path.join(sources, "ops/sample_school"), []);
console.log("--- the console");
failed += await withServer(program, path.join(sources, "ops/sample_school"), async (base, control) => {
  const run = spawn(process.execPath, [path.join(here, "console.mjs"), base, program, control], { stdio: "inherit" });
  const [status] = await once(run, "exit");
  return status === 0 ? 0 : 1;
});
console.log("--- accounts");
failed += await withServer(program, path.join(sources, "ops/sample_school"), async (base, control) => {
  const run = spawn(process.execPath, [path.join(here, "accounts.mjs"), base, program, control], { stdio: "inherit" });
  const [status] = await once(run, "exit");
  return status === 0 ? 0 : 1;
});
const corpus = process.env.LYCEUM_CORPUS || path.join(sources, "../shared/corpus/elixirschool");
if (existsSync(path.join(corpus, "site.toml"))) await school("the corpus", corpus, corpusPages);
else console.log("--- the corpus is not here: its pages were not looked at");
process.exit(failed > 0 ? 1 : 0);
