// SPDX-License-Identifier: Apache-2.0
// One text as its school would import it, for `lyceum render`.
#include "storage/content_folder.hpp"
#include "storage/digest.hpp"
#include "storage/front_matter.hpp"
#include "storage/import.hpp"
#include "storage/words.hpp"

#include <algorithm>
#include <filesystem>

namespace lyceum::storage {
namespace {

namespace fs = std::filesystem;

/// The nearest folder above a file that is a school; empty where there is none.
fs::path school_of(const fs::path& file) {
  std::error_code ignored;
  auto folder = file.parent_path();
  for (int up = 0; up <= folder_depth_max; ++up, folder = folder.parent_path()) {
    if (fs::is_regular_file(folder / "site.toml", ignored))
      return folder;
    if (folder == folder.parent_path())
      break;
  }
  return {};
}

/// Looks for a text in what a scope's files said.
const text_source* find(const std::vector<text_source>& all, const std::string& path) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const text_source& t) { return t.path == path; });
  return found == all.end() ? nullptr : &*found;
}

/// The text of `path` in its school. Faults of its neighbours are left out. False where an import would not take it.
bool read_in_school(const fs::path& school, const std::string& path, text_preview& into) {
  auto listed = list_folder(school.string());
  if (!listed)
    return false;
  auto& listing = *listed;
  const auto& site_files = listing.scopes["site"];
  const auto toml = site_files.empty() ? expected<std::string>(std::string())
                                       : read_text_file(site_files.front(), lesson_file_bytes_max);
  const auto site = parse_site(toml.value_or(std::string()));
  std::vector<fault> faults;
  std::vector<std::string> held;
  reading_context context;
  std::vector<media_source> shared;
  context.site = &site.site;
  context.languages = &listing.languages;
  context.shared = &shared;
  context.digest = [](const source_file& f) { return sha256_of_file(f.real); };
  shared = read_media(context, listing.scopes["media"], faults, held);
  const auto scope = scope_of(path);
  course_source course;
  shelf_source shelf;
  if (scope == "texts")
    shelf = read_shelf(context, listing.scopes[scope]);
  else if (!scope.empty())
    course = read_course(context, scope, listing.scopes[scope]);
  for (const auto* told : {&course.faults, &shelf.faults})
    std::copy_if(told->begin(), told->end(), std::back_inserter(into.faults),
                 [&](const fault& f) { return f.file == path; });
  for (const auto* texts : {&course.texts, &course.lessons, &shelf.articles, &shelf.pages})
    if (const auto* found = find(*texts, path)) {
      into.input = found->input;
      return true;
    }
  return false;
}

} // namespace

text_preview preview_bytes(std::string_view bytes) {
  text_preview made;
  const auto parsed = parse_text(bytes);
  made.faults = parsed.faults;
  made.input.markdown = parsed.body;
  made.input.base_path = "/";
  return made;
}

expected<text_preview> preview_text(const std::string& file) {
  std::error_code failed;
  const auto real = fs::canonical(file, failed);
  if (failed)
    return fail(problem::kind::not_found, "cannot read " + file + ": " + failed.message());
  if (!fs::is_regular_file(real, failed))
    return fail(problem::kind::invalid, file + " is no file: name a text such as 01-welcome.md");
  source_file plain;
  plain.path = file;
  plain.real = real.string();
  plain.bytes = static_cast<std::int64_t>(fs::file_size(real, failed));
  auto bytes = read_text_file(plain, lesson_file_bytes_max);
  if (!bytes)
    return fail(problem::kind::invalid, file + ": " + bytes.error().detail);
  const auto school = school_of(real);
  text_preview made;
  if (!school.empty() && read_in_school(school, real.lexically_relative(school).generic_string(), made))
    return made;
  auto alone = preview_bytes(*bytes);
  for (auto& f : alone.faults)
    f.file = file;
  if (!made.faults.empty()) // what its school says of it is more
    alone.faults = std::move(made.faults);
  return alone;
}

} // namespace lyceum::storage
