// SPDX-License-Identifier: Apache-2.0
// From an author's folder to the catalogue's rows.
#pragma once

#include "storage/db.hpp"
#include "storage/fault.hpp"
#include "storage/model/rendered.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace lyceum::storage {

struct import_options {
  /// Finds out and reports, and writes nothing.
  bool dry_run = false;
  /// Allows a folder other than the one that the database was filled from. Its content replaces the other's.
  bool replace_content = false;
  /// Files that changed, below the folder ("courses/basics/01-intro.md"): only the courses (or articles and pages, or
  /// site.toml) that they belong to are looked at. Empty: everything.
  std::vector<std::string> changed_paths = {};
  /// Texts that it refuses are faults, and their last good version stays.
  render_judge judge = {};
  unix_time now = now_utc();
};

/// One thing that an import made, changed or removed.
struct import_item {
  enum class kind { added, changed, removed };
  kind what = kind::added;
  std::string name; ///< "lesson basics/enum (fr)", "article hello", "site"
  std::string file; ///< where it is, or was
};

struct import_report {
  std::vector<import_item> items;
  std::vector<fault> faults; ///< those of files that did not change too
  int added = 0;
  int changed = 0;
  int removed = 0;
  int unchanged = 0;
  bool dry_run = false;
  std::vector<std::string> tags; ///< of what changed, as written to the changes
  std::int64_t content_seq = 0;  ///< after the import
  std::chrono::microseconds took{0};

  int errors() const;
  int warnings() const;
  bool ok() const { return errors() == 0; }
};

/// Makes what came from a folder equal to `folder`: one transaction a course, one for site.toml, one for articles and pages.
/// Unchanged files are not read (size, time and inode as at the last import). A wrong file is reported, and the last good
/// version of its text stays. Several importers at once are safe.
/// Refusals are faults too, and nothing is written then: no folder, no site.toml, a database filled from another folder.
/// Throws what `db` throws; courses imported before that stay.
import_report import_folder(db&, const std::string& folder, const import_options& = {});

/// A file's text as an import would hand it to a renderer: without front matter, with the files and texts that it names where it
/// stands in a school (the nearest folder above that has a site.toml). What is wrong with the file is a fault, as in an import.
///   not_found  no such file
///   invalid    not a text: a folder, or larger than a lesson may be
struct text_preview {
  render_input input;
  std::vector<fault> faults;
};
expected<text_preview> preview_text(const std::string& file);
/// The same for a text that stands nowhere.
text_preview preview_bytes(std::string_view bytes);

/// What `lyceum check` says: every fault that an import would report, and links that lead nowhere. Touches no database.
std::vector<fault> check_folder(const std::string& folder, const render_judge& judge = {});

/// A small school to start from: site.toml, a course of two lessons, an article, a picture. Returns the files made.
///   conflict  the folder exists and is not empty
///   internal  a file cannot be written; `detail` says which and why
expected<std::vector<std::string>> new_school(const std::string& folder);

/// For people: one line an item and a fault, then a line of counts.
std::string to_text(const import_report&);
/// For programs: {"added":…,"changed":…,"removed":…,"unchanged":…,"errors":…,"warnings":…,"dry_run":…,"took_ms":…,
/// "items":[{"what","name","file"}],"faults":[{"file","line","severity","message"}],"tags":[…]}
std::string to_json(const import_report&);

} // namespace lyceum::storage
