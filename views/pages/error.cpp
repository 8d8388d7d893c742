// SPDX-License-Identifier: Apache-2.0
#include "views/page_model.hpp"
#include "views/texts.hpp"
#include "views/url.hpp"

#include <algorithm>
#include <array>

namespace lyceum::views {

/// What happened, what still works, what to do. Leads nowhere that may be away as well: the front page is the warmest.
std::string error_page(const site_view& view, int status, std::string_view request_id) {
  static constexpr std::array<int, 5> told{404, 429, 500, 503, 504};
  const bool known = std::find(told.begin(), told.end(), status) != told.end();
  const std::string key = "error_" + (known ? std::to_string(status) : std::string{"other"});
  page_facts facts;
  facts.title = phrase(view.language, key);
  facts.description = phrase(view.language, key + "_what");
  return render_page(view, "error", facts,
                     {{"title", facts.title},
                      {"status", status},
                      {"what", facts.description},
                      {"works", phrase(view.language, key + "_works")},
                      {"remedy", phrase(view.language, key + "_do")},
                      {"request_id", request_id},
                      {"courses_url", url::courses(view.language, view.site.language)}});
}

} // namespace lyceum::views
