// SPDX-License-Identifier: Apache-2.0
#include "http/site.hpp"

#include "http/routes/routes.hpp"
#include "storage/words.hpp"

#include <algorithm>
#include <iterator>

namespace lyceum::http {

router site_router(const site_frame& frame, route_list more) {
  route_list rows = std::move(more);
  for (auto noun : {course_routes, article_routes, feed_routes, media_routes, asset_routes, sign_in_routes,
                    sign_in_password_routes, account_routes, security_routes})
    std::ranges::move(noun(frame), std::back_inserter(rows));
  for (auto& row : rows)
    row.body_max = std::min(row.body_max, frame.body_bytes_max);
  // "/dev" would read as a language (Domung, as ISO 639-3 has it), and is a developer's.
  return router(std::move(rows), [](std::string_view tag) { return tag != "dev" && storage::is_language(tag); });
}

} // namespace lyceum::http
