// SPDX-License-Identifier: Apache-2.0
// What programs read: the feed, the sitemap, robots.txt.
#include "views/escape.hpp"
#include "views/inline_code.hpp"
#include "views/languages.hpp"
#include "views/page_model.hpp"
#include "views/texts.hpp"
#include "views/theme.hpp"
#include "views/url.hpp"

#include <algorithm>

namespace lyceum::views {
namespace {

constexpr std::size_t sitemap_entries_max = 50'000; // sitemaps.org

// XML 1.0, section 2.2: these cannot stand in a document at all, not even escaped.
std::string without_controls(std::string_view text) {
  std::string out{text};
  std::erase_if(out, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 && c != '\t' && c != '\n' && c != '\r';
  });
  return out;
}

// What RSS and Atom tell alike, each in its own words for times.
std::string feed(const site_view& view, const std::vector<article>& latest, std::string_view format,
                 const std::string& self) {
  const auto& site = view.site;
  unix_time newest{};
  for (const auto& a : latest)
    newest = std::max(newest, a.updated_at);
  const auto item = [&](const article& a) {
    const std::string link = absolute(view, url::article(a.slug, a.language, site.language));
    return model::object{{"item_title", without_controls(without_code_marks(a.title))},
                         {"item_summary", without_controls(without_code_marks(a.summary))},
                         {"item_url", link},
                         {"item_id", std::to_string(a.article_id)},
                         {"item_author", without_controls(a.author)},
                         {"item_date", rfc822_time(a.published_at)},
                         {"item_published", iso_time(a.published_at)},
                         {"item_updated", iso_time(a.updated_at)},
                         {"categories", make_list(a.tags, [](const std::string& tag) {
                            return model::object{{"category", without_controls(tag)}};
                          })}};
  };
  return view.look->render(
      format,
      model::object{{"site_title", without_controls(site.title)},
                    {"description", without_controls(site.description.empty() ? site.title : site.description)},
                    {"feed_author", without_controls(site.author.empty() ? site.title : site.author)},
                    {"lang", canonical_tag(view.language)},
                    {"home", absolute(view, url::home(view.language, site.language))},
                    {"self", view.base_url.empty() ? "" : absolute(view, self)},
                    {"built", latest.empty() ? "" : rfc822_time(newest)},
                    {"updated", iso_time(latest.empty() ? view.now : newest)}, // Atom wants one in an empty feed, too
                    {"items", make_list(latest, item)}},
      view.language);
}

} // namespace

std::string rss_feed(const site_view& view, const std::vector<article>& latest) {
  return feed(view, latest, "rss.xml", url::feed(view.language, view.site.language));
}

std::string atom_feed(const site_view& view, const std::vector<article>& latest) {
  return feed(view, latest, "atom.xml", url::atom(view.language, view.site.language));
}

/// Without a base URL the addresses are paths: no search engine takes those, but then none can reach the site either.
std::string sitemap(const site_view& view, const std::vector<sitemap_entry>& entries) {
  std::string out = R"(<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:xhtml="http://www.w3.org/1999/xhtml">
)";
  const auto count = std::min(entries.size(), sitemap_entries_max);
  for (std::size_t i = 0; i < count; ++i) {
    const auto& entry = entries[i];
    out += "<url><loc>";
    append_escaped(out, absolute(view, entry.path));
    out += "</loc>";
    if (entry.updated_at != unix_time{})
      out += "<lastmod>" + iso_time(entry.updated_at) + "</lastmod>";
    if (entry.alternates.size() > 1)
      for (const auto& [language, path] : entry.alternates) {
        out += "<xhtml:link rel=\"alternate\" hreflang=\"";
        append_escaped(out, canonical_tag(language));
        out += "\" href=\"";
        append_escaped(out, absolute(view, path));
        out += "\"/>";
      }
    out += "</url>\n";
  }
  return out += "</urlset>\n";
}

std::string robots_txt(const site_view& view) {
  std::string out = "User-agent: *\nDisallow:\n";
  if (!view.base_url.empty())
    out += "\nSitemap: " + absolute(view, "/sitemap.xml") + "\n";
  return out;
}

std::string security_txt(const site_view& view, std::string_view contact) {
  // RFC 9116, 2.5.5: less than a year ahead. From midnight, so that a day's answers are equal.
  const auto expires = std::chrono::floor<std::chrono::days>(view.now) + std::chrono::days{180};
  std::string out = "Contact: " + std::string{contact} + "\nExpires: " + iso_time(expires) + "\n";
  if (view.base_url.starts_with("https://")) // 2.5.2 wants nothing less
    out += "Canonical: " + absolute(view, "/.well-known/security.txt") + "\n";
  return out;
}

} // namespace lyceum::views
