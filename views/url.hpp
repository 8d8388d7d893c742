// SPDX-License-Identifier: Apache-2.0
// Every URL path of ours is made here. Languages: the default one has no part of its own.
#pragma once

#include <string>
#include <string_view>

namespace lyceum::views::url {

/// Percent-encodes what RFC 3986 does not allow in a path segment; letters of other scripts too.
std::string segment(std::string_view text);

/// "" for the default language, "/fr" for another.
std::string prefix(std::string_view language, std::string_view default_language);

std::string home(std::string_view language, std::string_view default_language);
std::string courses(std::string_view language, std::string_view default_language);
std::string course(std::string_view slug, std::string_view language, std::string_view default_language);
std::string lesson(std::string_view course_slug, std::string_view slug, std::string_view language,
                   std::string_view default_language);
std::string articles(std::string_view language, std::string_view default_language);
std::string article(std::string_view slug, std::string_view language, std::string_view default_language);
std::string standing(std::string_view slug, std::string_view language, std::string_view default_language);
std::string media(std::string_view key, std::string_view name);
std::string feed(std::string_view language, std::string_view default_language); ///< RSS of a language's articles
std::string atom(std::string_view language, std::string_view default_language); ///< the same as Atom
std::string asset(std::string_view hashed_name); ///< "site.0a1b2c3d4e5f.css" to "/assets/site.0a1b2c3d4e5f.css"
std::string fragment(std::string_view anchor);   ///< "#part", as a link inside the page

/// For links that people write: the URL itself where its scheme is http, https or mailto, or it has none; else "#".
std::string safe(std::string_view link);

} // namespace lyceum::views::url
