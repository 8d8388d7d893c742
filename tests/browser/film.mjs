// SPDX-License-Identifier: Apache-2.0
// A lesson's film: it plays, seeking fetches a range, captions come up, and the keys do what they promise.

const patience = 10_000;

// Asks again and again: the page's content policy forbids the eval() that Playwright's waitForFunction needs.
const until = async (page, what, test) => {
  for (const end = Date.now() + patience; Date.now() < end;) {
    if (await page.evaluate(test)) return null;
    await page.waitForTimeout(50);
  }
  return `the film does not ${what} within ${patience / 1000} s`;
};

export const checkFilm = async (page, url) => {
  const ranges = [];
  page.on("response", (r) => { if (r.request().resourceType() === "media") ranges.push(r.status()); });
  await page.goto(url, { waitUntil: "load" });
  const faults = [];
  faults.push(await until(page, "know its length", () => document.querySelector("video").duration > 1));
  await page.evaluate(() => { const film = document.querySelector("video"); film.muted = true; film.play(); });
  faults.push(await until(page, "play", () => document.querySelector("video").currentTime > 0.2));

  // The film starts anew at nine tenths: whatever is not yet here must come as a range.
  await page.keyboard.press("9");
  faults.push(await until(page, "seek to nine tenths by the key 9", () => {
    const film = document.querySelector("video");
    return !film.seeking && film.currentTime >= film.duration * 0.85;
  }));
  if (!ranges.includes(206)) faults.push(`no 206 among the answers: ${ranges}`);

  await page.keyboard.press("k");
  faults.push(await until(page, "stop by the key K", () => document.querySelector("video").paused || document.querySelector("video").ended));

  await page.keyboard.press("c");
  faults.push(await until(page, "show captions by the key C", () => [...document.querySelector("video").textTracks].some((t) => t.mode === "showing")));
  await page.evaluate(() => { document.querySelector("video").currentTime = 1; });
  faults.push(await until(page, "show a caption a second in", () =>
    [...document.querySelector("video").textTracks].some((t) => t.mode === "showing" && t.activeCues && t.activeCues.length > 0)));
  await page.keyboard.press("l");
  faults.push(await until(page, "jump ahead by the key L", () => document.querySelector("video").currentTime > 5));
  return faults;
};
