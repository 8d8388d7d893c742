// SPDX-License-Identifier: Apache-2.0
// What the catalogue's files share. For storage/catalogue*.cpp alone.
#pragma once

#include "storage/catalogue.hpp"

namespace lyceum::storage::catalogue {

/// What one query brings beside a text: translations, tags, files.
struct extras {
  std::vector<translation> translations;
  std::vector<std::string> tags;
  std::optional<video> film;
};
/// `kind` is "course", "lesson" or "article".
extras list_extras(db&, std::string_view kind, id owner, std::string_view language, unix_time now);

/// The path of a course, lesson or article in `language` or else in the default one, if it is published there.
std::optional<std::string> find_path(db&, std::string_view kind, id owner, std::string_view language, unix_time now);

/// Where an old address leads: the path in `language` or, where the thing is not in it, in the default one. Nothing where no
/// redirect is known or what it leads to is not published.
std::optional<std::string> find_redirect(db&, std::string_view kind, std::string_view parent, std::string_view slug,
                                         std::string_view language, unix_time now);

/// As stored; a value that is none counts as the strictest.
access read_access(std::string_view stored);

} // namespace lyceum::storage::catalogue
