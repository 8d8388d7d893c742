// SPDX-License-Identifier: Apache-2.0
// The steps of an account's life: made by a mail, secured, used on four devices, moved, taken along, deleted.
import { createHash } from "node:crypto";
import { Device } from "./device.mjs";
import { Authenticator, base32 } from "./totp.mjs";

const address = "ada.lovelace@example.org";
const newAddress = "countess@example.net";
const password = "correct horse battery staple";
const endedWithin = 2_000; // ms
const hands = [
  { name: "Firefox on Linux", agent: "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0" },
  { name: "Safari on iPhone", agent: "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1" },
  { name: "Chrome on Android", agent: "Mozilla/5.0 (Linux; Android 14; Tablet) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36" },
  { name: "Edge on Windows", agent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0" },
];

const same = (what, got, wanted) => {
  if (JSON.stringify(got) !== JSON.stringify(wanted)) throw new Error(`${what}: ${JSON.stringify(got)}, not ${JSON.stringify(wanted)}`);
};

// Another code of that length.
const wrongCode = (right) => String((Number(right) + 1) % 1_000_000).padStart(6, "0");

// What a mail scanner does: no cookies, no script, no button.
const scan = async (link, wanted) => {
  for (const method of ["GET", "HEAD", "GET"]) {
    const answer = await fetch(link, { method, redirect: "manual", headers: { "User-Agent": "a mail scanner" } });
    await answer.text();
    same(`${method} of a mailed link, by a scanner`, answer.status, wanted);
    same(`${method}, its session`, answer.headers.getSetCookie().filter((c) => c.startsWith("session=")), []);
  }
};

/** Goes through all of it. `step(name, act)` runs a step; every device that is opened is put into `devices`. */
export const live = async ({ browser, base, scripted, devices, step }) => {
  const open = async (hand, state) => {
    const device = await Device.open(browser, base, { ...hand, scripted, state });
    devices.push(device);
    return device;
  };
  const [laptop, phone, tablet, desk] = await Promise.all(hands.map((hand) => open(hand)));
  const askForMail = async (device, to) => {
    await device.go("/sign-in");
    await device.send({ address: to });
    await device.says("Open the mail", to);
  };
  const typePassword = async (device, to, typed, status = 200) => {
    await device.go("/sign-in/password");
    await device.send({ address: to, password: typed }, status);
  };
  const isIn = async (device, to, at = "/") => {
    same("where one is after signing in", new URL(device.page.url()).pathname, at);
    await device.go("/account");
    await device.says(to);
  };
  const isOver = async (device, link) => {
    await device.go(link, 404);
    await device.says("This link is over", "It was used");
  };

  let mail;
  await step("who has no account asks for a link, and finds it in the mailbox", async () => {
    await laptop.go("/");
    await laptop.press(".account-link");
    await laptop.send({ address: "ada@" }, 422);
    await laptop.refuses("address", "A domain must stand after the @");
    await laptop.send({ address });
    await laptop.says("Open the mail", address);
    await laptop.press("text=Open its mailbox");
    mail = await laptop.mail("sign_in", address);
    same("the mail", [Boolean(mail.link), Boolean(mail.code), mail.text.includes("Welcome")], [true, true, true]);
  });
  await step("a mail scanner reads the link before its owner does, and uses nothing up", async () => {
    await scan(mail.link, 200);
    same("signed in by the scanner", await laptop.isIn(), false);
  });
  await step("its owner follows the link, and has an account", async () => {
    await laptop.follow(mail.link);
    await isIn(laptop, address, scripted ? "/" : "/account");
  });
  await step("used twice, the link says that it is over", async () => {
    await isOver(laptop, mail.link);
    await isOver(phone, mail.link);
    await scan(mail.link, 404);
    same("signed in by a link that is over", await phone.isIn(), false);
  });

  await step("a password is set, not an easy one", async () => {
    await laptop.go("/account");
    await laptop.press(".doors >> text=Security");
    await laptop.says("This account has no password", "It is off.");
    await laptop.press("text=Set a password");
    await laptop.send({ password: "password" }, 422);
    await laptop.refuses("password", "too easy to guess");
    await laptop.send({ password });
    await laptop.says("The password is set.", "This account has a password.");
  });
  let authenticator;
  let codes;
  await step("a second factor is turned on, by a code that fits, with recovery codes to keep", async () => {
    await laptop.press("text=Set it up");
    const [secret] = await laptop.texts(".secret");
    authenticator = new Authenticator(base32(secret));
    await laptop.send({ code: authenticator.wrong() }, 422);
    await laptop.refuses("code", "That code does not fit the secret.");
    same("the secret after a wrong code", await laptop.texts(".secret"), [secret]);
    await laptop.send({ code: await authenticator.next() });
    await laptop.says("Your recovery codes");
    codes = await laptop.texts(".codes code");
    same("recovery codes", [codes.length, new Set(codes).size], [10, 10]);
    const file = await laptop.file("text=Save as a file");
    same("the file", [file.name, file.text.trim().split("\r\n")], ["recovery-codes.txt", codes]);
    await laptop.press("text=I have kept them");
    await laptop.says("It is on. 10 recovery codes are left.");
  });

  let spent;
  await step("a second device signs in by the mailed code, after a wrong one, and proves the second factor", async () => {
    await askForMail(phone, address);
    mail = await laptop.mail("sign_in", address);
    await phone.send({ code: wrongCode(mail.code) }, 422);
    await phone.refuses("code", "That is not the code. 4 tries are left.");
    await phone.send({ code: mail.code });
    await phone.says("Second factor");
    same("signed in with one factor of two", await phone.isIn(), false);
    await phone.send({ code: authenticator.wrong() }, 422);
    await phone.refuses("code", "That code does not count");
    spent = await authenticator.next();
    await phone.send({ code: spent });
    await isIn(phone, address);
    await isOver(laptop, mail.link);
    const told = await laptop.mail("new_device", address);
    if (!told.text.includes("Safari on iPhone")) throw new Error(`the mail about the new device: ${told.text}`);
  });
  await step("a third signs in by password and second factor, after a wrong password and a spent code", async () => {
    await typePassword(tablet, address, "wrong horse battery staple", 422);
    await tablet.refuses("password", "Address and password do not belong together.");
    await tablet.send({ address, password });
    await tablet.says("Second factor");
    await tablet.send({ code: spent }, 422);
    await tablet.refuses("code", "was used before");
    await tablet.send({ code: await authenticator.next() });
    await isIn(tablet, address);
  });
  await step("a fourth signs in by a recovery code, after one that is none", async () => {
    await typePassword(desk, address, password);
    await desk.says("Second factor", "A recovery code works once.");
    await desk.send({ code: "aaaaaa-bbbbbb-cccccc-dddddd" }, 422);
    await desk.refuses("code", "That code does not count");
    await desk.send({ code: codes[0] });
    await isIn(desk, address);
    await laptop.go("/account/security");
    await laptop.says("9 recovery codes are left.");
  });

  await step("every device lists all four, and marks itself", async () => {
    for (const device of [laptop, phone, tablet, desk]) {
      await device.go("/account");
      await device.press(".doors >> text=Signed-in browsers");
      same(`the browsers, at ${device.name}`, (await device.texts(".browser-name strong")).sort(), hands.map((h) => h.name).sort());
      same("the one that is marked", await device.texts(".browser-name:has(.label)"), [`${device.name} this one`]);
    }
  });
  await step("one is ended, and is out within 2 s; the others stay", async () => {
    await laptop.press(`.browsers li:has-text("${phone.name}") button`);
    await phone.isOutWithin(endedWithin);
    same("browsers", (await laptop.texts(".browser-name strong")).sort(), [desk.name, laptop.name, tablet.name].sort());
    same("signed in", [await laptop.isIn(), await tablet.isIn(), await desk.isIn()], [true, true, true]);
  });
  await step("all others are ended, and are out within 2 s; this one stays", async () => {
    await laptop.press("text=End all others");
    await tablet.isOutWithin(endedWithin);
    await desk.isOutWithin(endedWithin);
    same("browsers", await laptop.texts(".browser-name"), [`${laptop.name} this one`]);
    same("buttons that end others", await laptop.texts("main button"), []);
    same("signed in", await laptop.isIn(), true);
  });

  await step("the address moves once both mails are confirmed, one by its code, one by its link", async () => {
    await laptop.go("/account");
    await laptop.press(".doors >> text=Mail address");
    await laptop.send({ address }, 422);
    await laptop.refuses("address", "This is the address that the account has.");
    await laptop.send({ address: newAddress });
    await laptop.says("Two mails are on their way.");
    const asked = laptop.page.url();
    const oldSide = await laptop.mail("old_address", address);
    const newSide = await laptop.mail("new_address", newAddress);
    await laptop.go(asked);
    const confirmOld = "form:has(#oldCode) .button";
    await laptop.send({ oldCode: wrongCode(oldSide.code) }, 422, confirmOld);
    await laptop.refuses("oldCode", "That is not the code. 4 tries are left.");
    await laptop.send({ oldCode: oldSide.code }, 200, confirmOld);
    await laptop.says("Confirmed. The other side is still to come.");
    await laptop.go("/account");
    await laptop.says(address);
    await isOver(laptop, oldSide.link);
    await scan(newSide.link, 200);
    await laptop.go("/account");
    await laptop.says(address);
    await phone.go(newSide.link);
    await phone.says("Is this your address?", newAddress);
    await phone.press(".form .button");
    await phone.says("The address is changed", newAddress);
    same("signed in by confirming an address", await phone.isIn(), false);
    await laptop.go("/account");
    await laptop.says(newAddress);
    const told = await laptop.mail("address_changed", address);
    if (!told.text.includes(newAddress)) throw new Error(`the mail about the new address: ${told.text}`);
  });
  await step("the old address opens nothing any more, the new one does; a recovery code works once", async () => {
    await typePassword(phone, address, password, 422);
    await phone.refuses("password", "Address and password do not belong together.");
    await phone.send({ address: newAddress, password });
    await phone.send({ code: codes[0] }, 422);
    await phone.refuses("code", "was used before");
    await phone.send({ code: codes[1] });
    await isIn(phone, newAddress);
  });

  await step("all that is stored comes as a file, and no secret with it", async () => {
    await laptop.go("/account");
    const file = await laptop.file(".doors >> text=Download your data");
    const all = JSON.parse(file.text);
    same("the account", [file.name, all.account.address, all.account.has_password, all.account.has_second_factor],
      ["account.json", newAddress, true, true]);
    same("its browsers", all.sessions.map((s) => s.device).sort(), [laptop.name, phone.name].sort());
    same("recovery codes that were used", all.recovery_codes.filter((c) => c.used_at).length, 2);
    const secrets = ["$argon2", "$scrypt", password, ...codes];
    for (const { cookies } of [await laptop.state(), await phone.state()])
      for (const { value } of cookies) secrets.push(value, createHash("sha256").update(value).digest("hex"));
    same("secrets in it", secrets.filter((s) => file.text.includes(s)), []);
    same("names and values that look like a hash", file.text.match(/"[a-z_]*(hash|secret|token)[a-z_]*":|\b[0-9a-f]{64}\b/g), null);
  });

  await step("the account is deleted by its address typed; old cookies and links are nothing afterwards", async () => {
    await askForMail(tablet, newAddress);
    const signIn = await laptop.mail("sign_in", newAddress);
    await laptop.go("/account/address");
    await laptop.send({ address: "third@example.org" });
    const oldSide = await laptop.mail("old_address", newAddress);
    const newSide = await laptop.mail("new_address", "third@example.org");
    const links = [signIn.link, oldSide.link, newSide.link];
    for (const link of links) await scan(link, 200);
    const thief = await open(hands[3], await laptop.state());
    same("signed in before", [await laptop.isIn(), await phone.isIn(), await thief.isIn()], [true, true, true]);

    await laptop.go("/account");
    await laptop.press(".doors >> text=Delete the account");
    await laptop.says("for ever", newAddress);
    await laptop.send({ address }, 422);
    await laptop.refuses("address", "That is not the address of this account.");
    same("signed in after a wrong address", await laptop.isIn(), true);
    await laptop.send({ address: newAddress });
    await laptop.says("The account is deleted", "signed out everywhere");

    for (const device of [laptop, phone, thief]) await device.isOutWithin(endedWithin);
    for (const link of links) await isOver(tablet, link);
    await typePassword(desk, newAddress, password, 422);
    await desk.refuses("password", "Address and password do not belong together.");
    await laptop.mail("account_deleted", newAddress);
  });
};
