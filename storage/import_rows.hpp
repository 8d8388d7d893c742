// SPDX-License-Identifier: Apache-2.0
// The rows that every scope of an import writes. For storage/import*.cpp alone.
#pragma once

#include "storage/content_folder.hpp"
#include "storage/db.hpp"
#include "storage/import.hpp"

#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace lyceum::storage {

/// A row of `sources`: a file as the last import saw it.
struct source_row {
  scope_name scope;
  std::int64_t bytes = 0;
  std::int64_t modified = 0;
  std::int64_t inode = 0;
  std::int64_t seen_at = 0;
  std::string digest; ///< of media; of the settings for a scope's own row
  std::vector<fault> faults;

  bool operator==(const source_row&) const = default;
};
using source_rows = std::unordered_map<std::string, source_row>;
source_rows load_sources(db&);

/// A text's row as it is, for comparing.
struct known_text {
  std::int64_t owner = 0;
  std::string slug;
  std::string language;
  std::string content_hash;
  std::string entry_hash;
  std::string source;
  std::string render_key;
  std::optional<unix_time> published_at;
  bool gone = true; ///< until its file is found
};

/// One transaction's writing: rows, what is to be told of them, and the changes' tags.
class import_rows {
public:
  import_rows(db& on, unix_time now, import_report& report) : on_(on), now_(now), report_(report) {}

  db& on() { return on_; }
  unix_time now() const { return now_; }

  void note(import_item::kind what, std::string name, std::string file);
  void unchanged(int n = 1) { report_.unchanged += n; }
  void tag(std::string what) { tags_.insert(std::move(what)); }
  void languages_may_differ() { languages_differ_ = true; }

  /// When a text counts as published: as stated, else since it was first seen; null for a draft.
  std::optional<unix_time> publication(const text_source&, const known_text* before) const;

  /// When a text was last changed: as stated, else since it is published, else its file's time. The same files give the same answer
  /// in every database.
  unix_time last_change(const text_source&) const;

  void put_input(const std::string& key, const render_input&);
  /// To be called when no row points to the text any more, or perhaps.
  void drop_input(const std::string& key);

  /// Tags and media uses of a text.
  void put_extras(std::string_view kind, std::int64_t owner, const text_source&, std::optional<unix_time> published_at);
  void drop_extras(std::string_view kind, std::int64_t owner, std::string_view language);
  void put_redirects(std::string_view kind, std::int64_t owner, const std::set<redirect_source>&);
  void drop_owner(std::string_view kind, std::int64_t owner);

  void put_media(const scope_name&, const std::vector<media_source>&, const std::vector<std::string>& held);
  void put_sources(const source_rows& before, const scope_name&, const std::map<std::string, source_row>& now);

  /// Writes the languages and the changes. The last call of a transaction.
  void finish();

private:
  void refresh_languages();

  db& on_;
  unix_time now_;
  import_report& report_;
  std::set<std::string> tags_;
  bool languages_differ_ = false;
};

/// Everything that decides a text's row, so that equal hashes mean nothing to write. `key`: its render key.
std::string content_hash_of(const text_source&, std::string_view key);
/// What lists of lessons show of it.
std::string entry_hash_of(const text_source&);

/// Makes a course's rows equal to what its folder says. One without texts and lessons, and with nothing held, goes.
void write_course(import_rows&, const scope_name&, const course_source&);
/// The same for articles and pages.
void write_shelf(import_rows&, const shelf_source&);

/// Transactions of importers take turns: PostgreSQL's key for that.
inline constexpr std::int64_t import_lock = 0x6c79636575696d;

} // namespace lyceum::storage
