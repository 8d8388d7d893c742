// SPDX-License-Identifier: Apache-2.0
// Values to fill pages with: full ones, empty ones, nasty ones.
#pragma once

#include "views/console.hpp"
#include "views/pages.hpp"
#include "views/theme.hpp"

#include <map>
#include <string>

namespace lyceum::views::samples {

/// Our own look; a template that names what its model lacks throws.
std::shared_ptr<const theme> strict_theme();

site_view site(std::string language = "en", std::string base_url = "https://school.example");

/// Every field filled; texts that would break markup if they were not escaped where `nasty`.
course full_course(bool nasty = false, const std::string& language = "en");
lesson full_lesson(bool nasty = false, const std::string& language = "en");
article full_article(bool nasty = false, const std::string& language = "en");
rendered_text full_text();

/// A console where something of each kind is wrong, and one where nothing has happened.
console_view full_console(bool nasty = false);
console_view empty_console();

/// As few fields as the types allow.
course empty_course();
lesson empty_lesson();
article empty_article();

inline const std::string nasty_title = R"(<b>O'Hara & Söhne</b> "quoted" </script><!-- `tick` ]]>)";

/// Every page there is, by the path that it would have: full, empty and locked ones.
std::map<std::string, std::string> all_pages(bool nasty, const std::string& language = "en");
/// Those about accounts; among all_pages().
std::map<std::string, std::string> account_pages(bool nasty, const std::string& language);

} // namespace lyceum::views::samples
