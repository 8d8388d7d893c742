// SPDX-License-Identifier: Apache-2.0
// The catalogue: courses, lessons, articles, pages, media. Reading; storage/import.hpp writes it.
#pragma once

#include "storage/db.hpp"
#include "storage/model/course.hpp"
#include "storage/model/rendered.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lyceum::storage::catalogue {

/// The site's own facts. `not_found` before anything was imported.
expected<site_info> find_site(db&);

/// Courses published in `language`, in order of position then slug, with `lesson_count` and without `lessons`. Drafts and what is
/// scheduled for later are not there, here and below.
std::vector<course> list_courses(db&, std::string_view language, unix_time now);

/// One course with its lessons and translations. A course that has lessons in `language` but no course text of its own there
/// takes title and summary from the default language.
///   moved      the slug was another once (redirect_from); `detail` is the path now
///   not_found
expected<course> find_course(db&, std::string_view slug, std::string_view language, unix_time now);

/// A lesson in a language.
///   moved      a redirect, or: not in this language but in the default one (`detail` is that path)
///   not_found
expected<lesson> find_lesson(db&, std::string_view course_slug, std::string_view slug, std::string_view language,
                             unix_time now);

/// Newest first, at most `limit`.
std::vector<article> list_articles(db&, std::string_view language, unix_time now, int limit);
expected<article> find_article(db&, std::string_view slug, std::string_view language, unix_time now);
/// A page of `pages/`.
expected<article> find_page(db&, std::string_view slug, std::string_view language, unix_time now);

/// A media file by its key and name. `not_found` also where no published lesson, article or course shows it yet.
expected<media_file> find_media(db&, std::string_view key, std::string_view name, unix_time now);

/// Every address that the catalogue serves, with title: for the sitemap, for warming, for tests.
struct address {
  std::string path;
  std::string kind;  ///< "course", "lesson", "article", "page"
  std::string group; ///< equal for translations of one thing
  std::string language;
  std::string title;
  unix_time updated_at{};
};
std::vector<address> list_addresses(db&, unix_time now);

/// When the next scheduled text is due, if any.
std::optional<unix_time> next_publication(db&, unix_time now);

/// What changed, in order: each import, and each text whose HTML was made anew, adds the tags of what depends on it.
struct change {
  std::int64_t seq = 0;
  std::string tag;
};
std::int64_t content_seq(db&); ///< of the newest change; 0: none yet
std::vector<change> changes_since(db&, std::int64_t seq, int limit = 10000);

} // namespace lyceum::storage::catalogue

namespace lyceum::storage {

/// SHA-256 of the input's parts, each with its length: 64 hexadecimal digits.
std::string render_key(const render_input&);

/// The input behind a render key, as imported. `not_found` where no text has it.
expected<render_input> find_render_input(db&, std::string_view key);
/// Kept HTML of this renderer version. `needs_render` (with the key) where there is none.
expected<rendered_text> find_rendered(db&, std::string_view key, int renderer_version);
/// Keeps HTML. Where it replaces other HTML of the same key and version, adds the change "text:<key>".
void save_rendered(db&, std::string_view key, int renderer_version, const rendered_text&);
/// Keys that have no HTML of this version yet (`plain` false) or that are not coloured yet (`plain` true); at most `limit`.
std::vector<std::string> list_unrendered(db&, int renderer_version, bool plain, int limit);

/// Coloured code by block hash, for those that are known.
std::vector<std::pair<std::string, std::string>> find_colours(db&, const std::vector<std::string>& hashes);
void save_colours(db&, const std::vector<std::pair<std::string, std::string>>&);

} // namespace lyceum::storage
