// SPDX-License-Identifier: Apache-2.0
// Paths of what the catalogue holds. Pure.
#pragma once

#include <string>
#include <string_view>

namespace lyceum::paths {

/// Percent-encodes all but RFC 3986's unreserved characters, letters of other scripts too.
std::string segment(std::string_view text);
/// "" for the default language, "/fr" for another.
std::string prefix(std::string_view language, std::string_view default_language);

std::string course(std::string_view slug, std::string_view language, std::string_view default_language);
std::string lesson(std::string_view course_slug, std::string_view slug, std::string_view language,
                   std::string_view default_language);
std::string article(std::string_view slug, std::string_view language, std::string_view default_language);
std::string page(std::string_view slug, std::string_view language, std::string_view default_language);
std::string media(std::string_view key, std::string_view name);

} // namespace lyceum::paths
