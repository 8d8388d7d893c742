// SPDX-License-Identifier: Apache-2.0
#include "http/routes/routes.hpp"

#include "views/url.hpp"

namespace lyceum::http {
namespace {

namespace catalogue = storage::catalogue;

expected<response> show_courses(const site_frame& frame, const request& asked, storage::db& db) {
  auto page = draft::begin(frame, asked, db);
  if (!page)
    return tl::unexpected(page.error());
  page->depends_on("courses").for_everyone();
  auto html = views::courses_page(page->view(), catalogue::list_courses(db, page->language(), asked.now));
  return std::move(*page).done(std::move(html));
}

expected<response> show_course(const site_frame& frame, const request& asked, storage::db& db) {
  auto page = draft::begin(frame, asked, db);
  if (!page)
    return tl::unexpected(page.error());
  const auto slug = asked.param("course");
  const auto& home = page->default_language();
  auto found = catalogue::find_course(db, slug, page->language(), asked.now);
  if (!found)
    return moved_or(found.error(), views::url::course(slug, home, home));
  page->depends_on("course:" + found->slug).open_to(found->who);
  auto introduction = text_of(*page, db, found->render_key);
  if (!introduction)
    return tl::unexpected(introduction.error());
  auto html = views::course_page(page->view(), *found, *introduction, asked.who);
  return std::move(*page).done(std::move(html));
}

expected<response> show_lesson(const site_frame& frame, const request& asked, storage::db& db) {
  auto page = draft::begin(frame, asked, db);
  if (!page)
    return tl::unexpected(page.error());
  const auto course = asked.param("course");
  const auto slug = asked.param("lesson");
  const auto& home = page->default_language();
  auto found = catalogue::find_lesson(db, course, slug, page->language(), asked.now);
  if (!found)
    return moved_or(found.error(), views::url::lesson(course, slug, home, home));
  page->depends_on("lesson:" + found->course_slug + "/" + found->slug)
      .depends_on("course:" + found->course_slug)
      .open_to(found->who);
  auto text = text_of(*page, db, found->render_key);
  if (!text)
    return tl::unexpected(text.error());
  auto html = views::lesson_page(page->view(), *found, *text, asked.who);
  return std::move(*page).done(std::move(html));
}

} // namespace

route_list course_routes(const site_frame& frame) {
  return {
      page_route("/courses", reading(frame, show_courses)),
      page_route("/courses/:course", reading(frame, show_course)),
      page_route("/courses/:course/:lesson", reading(frame, show_lesson)),
  };
}

} // namespace lyceum::http
