// SPDX-License-Identifier: Apache-2.0
// What an authenticator program does, for scripts that sign in with one.
import { createHmac } from "node:crypto";

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"; // RFC 4648

/** The octets of a secret as a page shows it: base32, in groups. */
export const base32 = (text) => {
  const bits = [...text.replace(/\s/g, "")].map((c) => letters.indexOf(c).toString(2).padStart(5, "0")).join("");
  return Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
};

export const stepLength = 30_000; // ms

/** Which step a moment is in. */
export const stepOf = (now) => Math.floor(now / stepLength);

/** The code of a step. Source: RFC 6238. */
export const codeOf = (secret, step) => {
  const at = Buffer.alloc(8);
  at.writeBigUInt64BE(BigInt(step));
  const mac = createHmac("sha1", secret).update(at).digest();
  const from = mac[19] & 15;
  return String((mac.readUInt32BE(from) & 0x7fffffff) % 1_000_000).padStart(6, "0");
};

const nearEnd = 5_000; // ms: a code of the step before would be too old when it arrives

/** Gives codes that the server takes one after another: each of a later step than the last, at most a step off. May wait for a step. */
export class Authenticator {
  #secret;
  #last = 0;

  constructor(secret) { this.#secret = secret; }

  async next() {
    const ending = stepLength - (Date.now() % stepLength) < nearEnd;
    const step = Math.max(this.#last + 1, stepOf(Date.now()) - (ending ? 0 : 1));
    const opens = (step - 1) * stepLength;
    if (Date.now() < opens) await new Promise((done) => setTimeout(done, opens - Date.now()));
    this.#last = step;
    return codeOf(this.#secret, step);
  }

  /** Six digits that are no code now, nor within two steps. */
  wrong() {
    const now = stepOf(Date.now());
    const right = [-2, -1, 0, 1, 2].map((n) => codeOf(this.#secret, now + n));
    return ["000000", "111111", "222222", "333333", "444444", "555555"].find((code) => !right.includes(code));
  }
}
