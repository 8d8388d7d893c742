// SPDX-License-Identifier: Apache-2.0
#include "http/routes/routes.hpp"

#include "views/url.hpp"

namespace lyceum::http {
namespace {

namespace catalogue = storage::catalogue;

constexpr int articles_max = 1000; ///< on one page; a school with more needs paging, which a later issue brings
constexpr int latest_max = 5;      ///< on the home page
constexpr int feed_max = 20;

expected<response> show_articles(const site_frame& frame, const request& asked, storage::db& db) {
  auto page = draft::begin(frame, asked, db);
  if (!page)
    return tl::unexpected(page.error());
  page->depends_on("articles").for_everyone();
  auto html =
      views::articles_page(page->view(), catalogue::list_articles(db, page->language(), asked.now, articles_max));
  return std::move(*page).done(std::move(html));
}

expected<response> show_article(const site_frame& frame, const request& asked, storage::db& db) {
  auto page = draft::begin(frame, asked, db);
  if (!page)
    return tl::unexpected(page.error());
  const auto slug = asked.param("article");
  const auto& home = page->default_language();
  auto found = catalogue::find_article(db, slug, page->language(), asked.now);
  if (!found)
    return moved_or(found.error(), views::url::article(slug, home, home));
  page->depends_on("article:" + found->slug).open_to(found->who);
  auto text = text_of(*page, db, found->render_key);
  if (!text)
    return tl::unexpected(text.error());
  auto html = views::article_page(page->view(), *found, *text, asked.who);
  return std::move(*page).done(std::move(html));
}

expected<response> show_standing_page(const site_frame& frame, const request& asked, storage::db& db) {
  auto page = draft::begin(frame, asked, db);
  if (!page)
    return tl::unexpected(page.error());
  const auto slug = asked.param("page");
  const auto& home = page->default_language();
  auto found = catalogue::find_page(db, slug, page->language(), asked.now);
  if (!found)
    return moved_or(found.error(), views::url::standing(slug, home, home));
  page->depends_on("page:" + found->slug).open_to(found->who);
  auto text = text_of(*page, db, found->render_key);
  if (!text)
    return tl::unexpected(text.error());
  auto html = views::standing_page(page->view(), *found, *text, asked.who);
  return std::move(*page).done(std::move(html));
}

expected<response> show_home(const site_frame& frame, const request& asked, storage::db& db) {
  auto page = draft::begin(frame, asked, db);
  if (!page) {
    if (const auto other = as_page(asked, page.error()))
      return show_standing_page(frame, *other, db);
    return tl::unexpected(page.error());
  }
  page->depends_on("courses").depends_on("articles").for_everyone();
  auto html = views::home_page(page->view(), catalogue::list_courses(db, page->language(), asked.now),
                               catalogue::list_articles(db, page->language(), asked.now, latest_max));
  return std::move(*page).done(std::move(html));
}

using feed_format = std::string (*)(const views::site_view&, const std::vector<article>&);

template <feed_format Format>
expected<response> show_feed(const site_frame& frame, const request& asked, storage::db& db) {
  auto page = draft::begin(frame, asked, db);
  if (!page)
    return tl::unexpected(page.error());
  page->depends_on("articles").for_everyone();
  auto xml = Format(page->view(), catalogue::list_articles(db, page->language(), asked.now, feed_max));
  return std::move(*page).done(std::move(xml), Format == views::atom_feed ? "application/atom+xml; charset=utf-8"
                                                                          : "application/rss+xml; charset=utf-8");
}

} // namespace

route_list article_routes(const site_frame& frame) {
  return {
      page_route("/", reading(frame, show_home)),
      page_route("/articles", reading(frame, show_articles)),
      page_route("/articles/:article", reading(frame, show_article)),
      page_route("/feed.xml", reading(frame, show_feed<views::rss_feed>)),
      page_route("/atom.xml", reading(frame, show_feed<views::atom_feed>)),
      page_route("/:page", reading(frame, show_standing_page)),
  };
}

} // namespace lyceum::http
