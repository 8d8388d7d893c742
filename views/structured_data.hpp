// SPDX-License-Identifier: Apache-2.0
// JSON-LD for search engines (schema.org). What it says is what the page shows. Private to views/.
#pragma once

#include "views/pages.hpp"

#include <string>

namespace lyceum::views {

/// Each is a text that may stand inside <script type="application/ld+json">: no "<" is left in it. Addresses are
/// absolute where the site has a base URL, else paths.
std::string site_data(const site_view&);
std::string course_data(const site_view&, const course&);
std::string lesson_data(const site_view&, const lesson&, bool open);
std::string article_data(const site_view&, const article&, bool open);

} // namespace lyceum::views
