// SPDX-License-Identifier: Apache-2.0
// Pages worth a look, from the sitemap: one of each kind, a translation, one that is written from right to left.

const pageMax = 400;

const locations = async (base) => {
  const xml = await (await fetch(base + "/sitemap.xml")).text();
  return [...xml.matchAll(/<loc>([^<]*)<\/loc>/g)]
    .map((m) => m[1].replace(/&amp;/g, "&").replace(/^https?:\/\/[^/]+/, "") || "/");
};

/** [{ kind, path }] for a server at `base`. Throws where the sitemap names no lesson: nothing could be checked then. */
export const findPages = async (base) => {
  const paths = await locations(base);
  const first = (pattern) => paths.find((p) => pattern.test(p));
  const lesson = /^\/courses\/[^/]+\/[^/]+$/;
  const found = [
    ["home", "/"],
    ["courses", "/courses"],
    ["course", first(/^\/courses\/[^/]+$/)],
    ["lesson", first(lesson)],
    ["articles", "/articles"],
    ["article", first(/^\/articles\/[^/]+$/)],
    ["translation", first(/^\/[a-z]{2,3}(-[a-z]+)?\/courses\/[^/]+\/[^/]+$/)],
    ["right to left", first(/^\/(ar|fa|he|ur)\/courses\/[^/]+\/[^/]+$/)],
    ["error", "/there-is-no-such-page"],
  ];
  if (!found[3][1]) throw new Error(`${base}/sitemap.xml names no lesson`);
  for (const at of paths.filter((p) => lesson.test(p)).slice(0, pageMax)) {
    const html = await (await fetch(base + at)).text();
    if (html.includes("<video ") && !found.some(([kind]) => kind === "film")) found.push(["film", at]);
    if (html.includes('class="locked"') && !found.some(([kind]) => kind === "locked")) found.push(["locked", at]);
  }
  return found.filter(([, path]) => path).map(([kind, path]) => ({ kind, path }));
};
