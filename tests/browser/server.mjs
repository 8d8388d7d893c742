// SPDX-License-Identifier: Apache-2.0
// The real program on a free port with a data folder of its own, for scripts that look at pages.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import net from "node:net";
import os from "node:os";
import path from "node:path";

const readyWithin = 30_000;
const stopWithin = 20_000;

const freePort = async () => {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
};

/** Serves `content` with `program`, hands its address and its control socket to `use`, stops it and returns what `use` gave.
 * `more` are further arguments of `serve`. */
export const withServer = async (program, content, use, more = []) => {
  const data = await mkdtemp(path.join(os.tmpdir(), "lyceum-browser-"));
  const base = `http://127.0.0.1:${await freePort()}`;
  const server = spawn(program, ["serve", "--content", content, "--data", data, "--listen", base.slice("http://".length), ...more],
    { stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  for (const stream of [server.stdout, server.stderr]) stream.on("data", (bytes) => { log = (log + bytes).slice(-10_000); });
  const ended = once(server, "exit");
  try {
    for (const end = Date.now() + readyWithin; ;) {
      if (server.exitCode !== null) throw new Error(`the server ended with ${server.exitCode}:\n${log}`);
      if (Date.now() > end) throw new Error(`the server is not ready within ${readyWithin / 1000} s:\n${log}`);
      const answer = await fetch(`${base}/readyz`).catch(() => null);
      if (answer && answer.ok) break;
      await new Promise((done) => setTimeout(done, 50));
    }
    return await use(base, path.join(data, "control.sock"));
  } finally {
    server.kill("SIGTERM");
    const late = setTimeout(() => server.kill("SIGKILL"), stopWithin);
    await ended;
    clearTimeout(late);
    await rm(data, { recursive: true, force: true });
  }
};
