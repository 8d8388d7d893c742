// SPDX-License-Identifier: Apache-2.0
#include "http/site.hpp"

#include "http/routes/routes.hpp"

#include <algorithm>
#include <iterator>

namespace lyceum::http {

router site_router(const site_frame& frame, route_list more) {
  route_list rows = std::move(more);
  for (auto noun : {course_routes, article_routes, feed_routes, media_routes, asset_routes})
    std::ranges::move(noun(frame), std::back_inserter(rows));
  for (auto& row : rows)
    row.body_max = std::min(row.body_max, frame.body_bytes_max);
  return router(std::move(rows), looks_like_language);
}

bool looks_like_language(std::string_view first_part) {
  const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto is_subtag = [&](std::string_view part) {
    return !part.empty() && part.size() <= 8 &&
           std::ranges::all_of(part, [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
  };
  const auto dash = std::min(first_part.find('-'), first_part.size());
  const auto primary = first_part.substr(0, dash);
  if (primary.size() < 2 || primary.size() > 3 || !std::ranges::all_of(primary, is_letter))
    return false;
  auto rest = first_part.substr(dash);
  while (!rest.empty()) {
    rest.remove_prefix(1);
    const auto end = std::min(rest.find('-'), rest.size());
    if (!is_subtag(rest.substr(0, end)))
      return false;
    rest.remove_prefix(end);
  }
  return true;
}

} // namespace lyceum::http
