// SPDX-License-Identifier: Apache-2.0
#include "http/routes/routes.hpp"

#include "views/theme.hpp"

namespace lyceum::http {
namespace {

response immutable(std::string content_type, std::string bytes) {
  response answer;
  answer.content_type = std::move(content_type);
  answer.body = std::move(bytes);
  answer.cache.what = cache_rule::kind::immutable;
  answer.cache.tags = {"theme"};
  return answer;
}

/// Named by their content: right for ever, so neither database nor revalidation is needed.
expected<response> show_asset(const site_frame& frame, const request& asked) {
  const auto name = asked.param("name");
  if (const auto accent = views::accent_css(name))
    return immutable("text/css; charset=utf-8", *accent);
  const auto look = frame.look();
  if (const auto* found = look->find_asset(name))
    return immutable(found->content_type, found->bytes);
  return fail(problem::kind::not_found, "asset");
}

/// What browsers ask for without being told to.
expected<response> show_wellknown_icon(const site_frame& frame, const std::string& name) {
  const auto path = frame.look()->asset_url(name);
  if (path.empty())
    return fail(problem::kind::not_found, name);
  return redirect(302, path);
}

} // namespace

route_list asset_routes(const site_frame& frame) {
  const auto row = [](std::string pattern, handler run, bool kept) {
    route made;
    made.method = "GET";
    made.pattern = std::move(pattern);
    made.run = std::move(run);
    made.needs = db_use::none;
    made.kept = kept;
    return made;
  };
  const auto icon = [&frame](std::string name) {
    return [&frame, name](const request&, storage::db*) { return show_wellknown_icon(frame, name); };
  };
  return {
      row(
          "/assets/:name", [&frame](const request& asked, storage::db*) { return show_asset(frame, asked); }, true),
      row("/favicon.ico", icon("icon.svg"), false),
      row("/apple-touch-icon.png", icon("touch-icon.png"), false),
  };
}

} // namespace lyceum::http
