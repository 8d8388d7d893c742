// SPDX-License-Identifier: Apache-2.0
// What programs read: sitemap, robots.txt, security.txt.
#include "http/routes/routes.hpp"

#include "views/url.hpp"

#include <map>

namespace lyceum::http {
namespace {

namespace catalogue = storage::catalogue;

constexpr std::size_t sitemap_entries_max = 50'000; // sitemaps.org

expected<response> show_sitemap(const site_frame& frame, const request& asked, storage::db& db) {
  auto page = draft::begin(frame, asked, db);
  if (!page)
    return tl::unexpected(page.error());
  page->depends_on("addresses").for_everyone();
  const auto addresses = catalogue::list_addresses(db, asked.now);
  std::map<std::string, std::vector<std::pair<std::string, std::string>>> translations;
  for (const auto& one : addresses)
    translations[one.kind + "/" + one.group].emplace_back(one.language, one.path);

  std::vector<views::sitemap_entry> entries;
  const auto& site = page->view().site;
  for (const auto& path_in : {views::url::home, views::url::courses, views::url::articles}) { // in every language
    std::vector<std::pair<std::string, std::string>> all;
    for (const auto& language : site.languages)
      all.emplace_back(language, path_in(language, site.language));
    for (const auto& [language, path] : all)
      entries.push_back({path, {}, all.size() > 1 ? all : decltype(all){}});
  }
  for (const auto& one : addresses) {
    if (entries.size() == sitemap_entries_max)
      break;
    const auto& all = translations[one.kind + "/" + one.group];
    entries.push_back({one.path, one.updated_at, all.size() > 1 ? all : decltype(all){}});
  }
  return std::move(*page).done(views::sitemap(page->view(), entries), "application/xml; charset=utf-8");
}

expected<response> show_robots(const site_frame& frame, const request& asked, storage::db& db) {
  auto page = draft::begin(frame, asked, db);
  if (!page)
    return tl::unexpected(page.error());
  page->for_everyone();
  return std::move(*page).done(views::robots_txt(page->view()), "text/plain; charset=utf-8");
}

expected<response> show_security(const site_frame& frame, const request& asked) {
  if (frame.security_contact.empty())
    return fail(problem::kind::not_found, "security.txt");
  views::site_view view;
  view.base_url = frame.base_url;
  view.now = asked.now;
  response answer;
  answer.content_type = "text/plain; charset=utf-8";
  answer.body = views::security_txt(view, frame.security_contact);
  return answer;
}

} // namespace

route_list feed_routes(const site_frame& frame) {
  auto sitemap = page_route("/sitemap.xml", reading(frame, show_sitemap));
  auto robots = page_route("/robots.txt", reading(frame, show_robots));
  sitemap.translated = robots.translated = false;
  auto security = page_route("/.well-known/security.txt",
                             [&frame](const request& asked, storage::db*) { return show_security(frame, asked); });
  security.translated = security.kept = false;
  security.needs = db_use::none;
  return {sitemap, robots, security};
}

} // namespace lyceum::http
