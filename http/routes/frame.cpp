// SPDX-License-Identifier: Apache-2.0
#include "http/routes/frame.hpp"

#include "actors/page_table.hpp"

#include <algorithm>

namespace lyceum::http {

namespace {

std::string_view first_part(std::string_view path) {
  path.remove_prefix(std::min<std::size_t>(1, path.size()));
  return path.substr(0, path.find('/'));
}

std::string_view without_first_part(std::string_view path) {
  const auto second = path.find('/', 1);
  return second == std::string_view::npos ? "/" : path.substr(second);
}

constexpr std::string_view no_such_language = "language";

} // namespace

expected<draft> draft::begin(const site_frame& frame, const request& asked, storage::db& db) {
  draft page;
  page.rule_.what = cache_rule::kind::page;
  page.rule_.content_seq = storage::catalogue::content_seq(db);
  page.rule_.tags.emplace_back("site");
  page.rule_.fresh_until = storage::catalogue::next_publication(db, asked.now);

  page.view_.look = frame.look();
  page.view_.base_url = frame.base_url;
  page.view_.now = asked.now;
  if (auto site = storage::catalogue::find_site(db))
    frame.known->keep(page.view_.site = std::move(*site));
  else if (site.error().what != problem::kind::not_found)
    return tl::unexpected(site.error());

  const auto& languages = page.view_.site.languages;
  if (!asked.language.empty() && std::ranges::find(languages, asked.language) == languages.end())
    return fail(problem::kind::not_found, std::string(no_such_language));
  if (!asked.language.empty() && asked.language == page.view_.site.language) // one address a page: without its prefix
    return fail(problem::kind::moved, page_key({}, without_first_part(asked.path), {}, {}));
  if (!asked.language.empty() && first_part(asked.path) != asked.language) // "/FR"
    return fail(
        problem::kind::moved,
        page_key({}, '/' + asked.language + std::string(asked.path.substr(1 + first_part(asked.path).size())), {}, {}));
  page.view_.language = asked.language.empty() ? page.view_.site.language : asked.language;
  return page;
}

std::optional<request> as_page(const request& asked, const problem& why) {
  if (why.what != problem::kind::not_found || why.detail != no_such_language)
    return std::nullopt;
  request other = asked;
  other.language.clear();
  other.params = {{"page", std::string(first_part(asked.path))}};
  return other;
}

response draft::done(std::string html, std::string content_type) && {
  response answer;
  answer.content_type = std::move(content_type);
  answer.body = std::move(html);
  answer.cache = std::move(rule_);
  return answer;
}

expected<rendered_text> text_of(draft& page, storage::db& db, const std::string& render_key) {
  if (render_key.empty())
    return rendered_text{};
  page.depends_on("text:" + render_key);
  return storage::find_rendered(db, render_key, views::renderer_version);
}

response redirect(int status, std::string path) {
  response answer;
  answer.status = status;
  answer.headers.push_back({"Location", std::move(path)});
  answer.content_type = "text/plain; charset=utf-8";
  answer.body = "Moved.\n";
  return answer;
}

expected<response> moved_or(const problem& why, std::string_view here_in_default_language) {
  if (why.what != problem::kind::moved)
    return tl::unexpected(why);
  return redirect(why.detail == here_in_default_language ? 302 : 301, why.detail);
}

} // namespace lyceum::http
