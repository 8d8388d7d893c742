// SPDX-License-Identifier: Apache-2.0
// A mail host for tests, of npm's smtp-server. What it plays: smtp.sh.
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { SMTPServer } from "smtp-server";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    tls: { type: "string", default: "start" },
    login: { type: "boolean", default: false },
    "greeting-after": { type: "string", default: "0" },
    "mails-max": { type: "string", default: "1000000" },
  },
});
const folder = positionals[0];
const part = (address) => address.split("@")[0];
const seen = new Set();
const numbers = new Map(); // connection → its number
const mails = new Map(); // connection → how many it brought
let taken = 0;

const answer = (code, text) => Object.assign(new Error(text), { responseCode: code });
const connection = (session) => [...server.connections].find((one) => one.id === session.id);
const cut = (session) => connection(session)?._socket.destroy();

const server = new SMTPServer({
  secure: options.tls === "implicit",
  key: options.tls === "none" ? undefined : readFileSync(join(folder, "key.pem")),
  cert: options.tls === "none" ? undefined : readFileSync(join(folder, "cert.pem")),
  disabledCommands: options.tls === "none" ? ["STARTTLS"] : [],
  allowInsecureAuth: options.tls === "none",
  authOptional: !options.login,
  disableReverseLookup: true,
  closeTimeout: 100,
  onConnect(session, next) {
    numbers.set(session.id, numbers.size + 1);
    setTimeout(next, Number(options["greeting-after"]) * 1000);
  },
  onAuth(auth, session, next) {
    if (auth.username === "ann" && auth.password === "sesame") next(null, { user: "ann" });
    else next(answer(535, "5.7.8 wrong user or password"));
  },
  onMailFrom(address, session, next) {
    mails.set(session.id, (mails.get(session.id) ?? 0) + 1);
    if (mails.get(session.id) > Number(options["mails-max"])) {
      next(answer(421, "4.7.0 enough for one connection"));
      setImmediate(() => connection(session)?._socket.end());
    } else if (part(address.address) === "nobody") next(answer(553, "5.7.1 not your sender"));
    else if (part(address.address) === "throttled") next(answer(454, "4.7.0 maximum sending rate exceeded"));
    else next();
  },
  onRcptTo({ address }, session, next) {
    switch (part(address)) {
      case "cut-before":
        return cut(session);
      case "grey":
        if (seen.has(address)) return next();
        seen.add(address);
        return next(answer(451, "4.7.1 greylisted, come again"));
      case "unknown":
        return next(answer(550, "5.1.1 no such mailbox"));
      case "policy":
        return next(answer(550, "5.7.1 not from you"));
      case "full":
        return next(answer(452, "4.2.2 mailbox full"));
      default:
        return next();
    }
  },
  onData(stream, session, next) {
    const to = session.envelope.rcptTo[0].address;
    const played = part(to);
    const pieces = [];
    stream.on("data", (piece) => {
      pieces.push(piece);
      if (played === "cut-in") cut(session);
      if (played === "stuck") connection(session)?._socket.pause();
    });
    stream.on("end", () => {
      if (played === "busy") return next(answer(451, "4.3.0 too busy"));
      if (played === "spam") return next(answer(554, "5.7.1 looks like spam"));
      const name = `${++taken}.eml`;
      writeFileSync(join(folder, name), Buffer.concat(pieces));
      const line = [numbers.get(session.id), session.envelope.mailFrom.address, to, session.user ?? "-", session.secure ? "TLS" : "plain", name];
      appendFileSync(join(folder, "log"), `${line.join("\t")}\n`);
      if (played === "cut-after") return cut(session);
      if (played === "silent") return undefined;
      return next(null, `2.0.0 taken as ${taken}`);
    });
  },
});
server.on("error", () => {}); // connections that end in mid-word
server.listen(0, "127.0.0.1", () => console.log(server.server.address().port));
process.stdin.on("end", () => process.exit(0)).resume();
