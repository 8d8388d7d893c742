// SPDX-License-Identifier: Apache-2.0
#include "storage/import.hpp"

#include "storage/catalogue.hpp"
#include "storage/digest.hpp"
#include "storage/import_rows.hpp"
#include "storage/json_text.hpp"

#include <algorithm>

namespace lyceum::storage {
namespace {

// Goes up whenever the same files may give other rows: everything is read once more.
constexpr std::int64_t reader_version = 3;
// A file changed again within this time of being looked at may look unchanged.
constexpr std::int64_t clock_grain_us = 1000000;

constexpr query site_row{"import.site_row", R"sql(
  SELECT title, description, language, timezone, accent, author, trusted_html, navigation, content_folder, content_hash
    FROM site WHERE id = 1
)sql"};
constexpr query put_site{"import.put_site", R"sql(
  INSERT INTO site (id, title, description, language, timezone, accent, author, trusted_html, navigation, content_folder,
                    content_hash)
  VALUES (1, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
  ON CONFLICT (id) DO UPDATE SET title = excluded.title, description = excluded.description, language = excluded.language,
    timezone = excluded.timezone, accent = excluded.accent, author = excluded.author, trusted_html = excluded.trusted_html,
    navigation = excluded.navigation, content_folder = excluded.content_folder, content_hash = excluded.content_hash
)sql"};

constexpr query is_known_text{"import.is_known_text", "SELECT 1 FROM texts WHERE render_key = $1"};

struct known_site {
  site_info info;
  std::string folder;
  std::string hash;
};

struct rolled_back {};

std::string hash_of(const site_info& s) {
  sha256 sum;
  sum.field(s.title).field(s.description).field(s.language).field(s.timezone).field(s.accent).field(s.author);
  sum.field(s.trusted_html ? 1 : 0).field(json_text::of_navigation(s.navigation));
  return sum.hex();
}

class importer {
public:
  importer(db& on, const std::string& folder, const import_options& options)
      : on_(on), folder_(folder), options_(options) {
    report_.dry_run = options.dry_run;
  }

  import_report run() {
    const auto start = std::chrono::steady_clock::now();
    try {
      if (options_.dry_run)
        on_.transaction([&]() -> void {
          on_.lock(import_lock);
          import_all();
          throw rolled_back{};
        });
      else
        import_all();
    } catch (const rolled_back&) {
    }
    if (report_.content_seq == 0 || options_.dry_run)
      report_.content_seq = catalogue::content_seq(on_);
    std::stable_sort(report_.faults.begin(), report_.faults.end(), [](const fault& a, const fault& b) {
      return std::tie(a.file, a.line) < std::tie(b.file, b.line);
    });
    report_.took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start);
    return std::move(report_);
  }

private:
  // One scope's transaction; in a dry run all are parts of the one that is rolled back.
  template <class Work>
  void transaction(Work&& work) {
    import_rows rows(on_, options_.now, report_);
    const auto whole = [&] {
      work(rows);
      rows.finish();
    };
    if (options_.dry_run)
      return whole();
    on_.transaction([&]() -> void {
      on_.lock(import_lock);
      whole();
    });
  }

  void refuse(std::string file, std::string message) {
    report_.faults.push_back({std::move(file), 0, fault::severity::error, std::move(message)});
  }

  void import_all() {
    auto listed = list_folder(folder_);
    if (!listed)
      return refuse("", listed.error().detail);
    listing_ = std::move(*listed);
    known_site_ = on_.one(site_row, [](const row& r) {
      known_site k;
      k.info = {r.text(0), r.text(1), r.text(2), r.text(3),
                r.text(4), r.text(5), r.flag(6), json_text::to_navigation(r.view(7)),
                {}};
      k.folder = r.text(8);
      k.hash = r.text(9);
      return k;
    });
    if (!read_site())
      return;
    before_ = load_sources(on_);
    for (const auto& [path, known] : before_)
      if (!path.starts_with("scope:"))
        ++known_files_[known.scope];
    if (chosen("site"))
      write_site();
    settings_ = sha256()
                    .field(reader_version)
                    .field(site_.language)
                    .field(site_.timezone)
                    .field(site_.author)
                    .field(site_.trusted_html ? 1 : 0)
                    .hex();
    context_.site = &site_;
    context_.languages = &listing_.languages;
    context_.shared = &shared_;
    context_.digest = [this](const source_file& f) { return digest_of(f); };
    if (options_.judge)
      context_.judge = [this](const render_input& input) -> std::optional<refusal> {
        if (on_.one(
                is_known_text, [](const row&) { return true; }, render_key(input)))
          return std::nullopt; // it was judged when it came
        return options_.judge(input);
      };
    read_shared();
    import_courses();
    import_scope("texts", [&](import_rows& rows, const auto& files, std::vector<fault>& faults) {
      shelf_source read = read_shelf(context_, files);
      faults = read.faults;
      hold_unread("texts", read.held);
      write_shelf(rows, read);
    });
  }

  bool read_site() {
    const auto& files = listing_.scopes["site"];
    if (files.empty()) {
      refuse("site.toml", "there is none in " + folder_ +
                              ": write one with at least title = \"…\", or make a whole example with lyceum new DIR");
      return false;
    }
    if (known_site_ && known_site_->folder != listing_.root && !options_.replace_content) {
      refuse("",
             "the database was filled from " + known_site_->folder + ", not from " + listing_.root +
                 ": give that folder, another --data, or --replace-content to make this folder's content replace it");
      return false;
    }
    auto bytes = read_text_file(files.front(), lesson_file_bytes_max);
    parsed_site parsed;
    if (bytes)
      parsed = parse_site(*bytes);
    else
      parsed.faults.push_back({"site.toml", 0, fault::severity::error, bytes.error().detail});
    report_.faults.insert(report_.faults.end(), parsed.faults.begin(), parsed.faults.end());
    site_wrong_ = !parsed.ok();
    if (!site_wrong_)
      site_ = std::move(parsed.site);
    else if (known_site_)
      site_ = known_site_->info;
    return !site_wrong_ || known_site_;
  }

  void write_site() {
    const auto faults = listing_.faults.find("site");
    if (faults != listing_.faults.end())
      report_.faults.insert(report_.faults.end(), faults->second.begin(), faults->second.end());
    if (site_wrong_)
      return;
    const std::string hash = hash_of(site_);
    if (known_site_ && known_site_->hash == hash && known_site_->folder == listing_.root) {
      ++report_.unchanged;
      return;
    }
    transaction([&](import_rows& rows) {
      on_.exec(put_site, site_.title, site_.description, site_.language, site_.timezone, site_.accent, site_.author,
               site_.trusted_html, json_text::of_navigation(site_.navigation), listing_.root, hash);
      const bool same = known_site_ && known_site_->hash == hash;
      if (!same) {
        rows.note(known_site_ ? import_item::kind::changed : import_item::kind::added, "site", "site.toml");
        rows.tag("site");
      }
    });
  }

  bool chosen(const scope_name& scope) const {
    const auto& changed = options_.changed_paths;
    return changed.empty() || std::any_of(changed.begin(), changed.end(), [&](const std::string& path) {
             const auto s = scope_of(path);
             return s == scope || s == "site" || (s == "media" && scope != "site") || path == scope;
           });
  }

  const source_row* known_file(const source_file& f) const {
    const auto known = before_.find(f.path);
    if (known == before_.end())
      return nullptr;
    const source_row& k = known->second;
    const bool same = k.bytes == f.bytes && k.modified == f.modified && k.inode == f.inode;
    return same && k.modified + clock_grain_us < k.seen_at ? &k : nullptr;
  }

  std::string digest_of(const source_file& f) {
    auto& digest = digests_[f.path];
    if (digest.empty()) {
      const source_row* known = known_file(f);
      digest = known && known->digest.size() == 64 ? known->digest : sha256_of_file(f.real);
    }
    return digest;
  }

  // media/ is read first: every other scope may show its files, so what it holds is part of their settings.
  void read_shared() {
    const auto& files = listing_.scopes["media"];
    std::vector<fault> faults;
    std::vector<std::string> held;
    shared_ = read_media(context_, files, faults, held);
    hold_unread("media", held);
    sha256 sum;
    sum.field(settings_);
    for (const auto& m : shared_)
      sum.field(m.path).field(m.digest);
    for (const auto& l : listing_.languages)
      sum.field(l);
    settings_ = sum.hex();
    import_scope("media", [&](import_rows& rows, const auto&, std::vector<fault>& told) {
      told = faults;
      rows.put_media("media", shared_, held);
    });
  }

  void import_courses() {
    std::map<std::string, scope_name> slugs;
    for (const auto& [scope, files] : listing_.scopes) {
      if (!scope.starts_with("courses/"))
        continue;
      const course_source named = read_course(context_, scope, {});
      const auto [first, fresh] = slugs.emplace(named.slug, scope);
      if (!fresh) {
        refuse(scope, "two courses have the slug \"" + named.slug + "\": this one and " + first->second);
        continue;
      }
      import_course(scope);
    }
    std::set<scope_name> gone;
    for (const auto& [path, known] : before_)
      if (known.scope.starts_with("courses/") && !listing_.scopes.contains(known.scope))
        gone.insert(known.scope);
    for (const auto& scope : gone)
      if (!is_unread(scope))
        remove_course(scope, slugs);
  }

  // True where the path, or a folder above it, is there and could not be looked at.
  bool is_unread(const std::string& path) const {
    return std::any_of(listing_.unread.begin(), listing_.unread.end(),
                       [&](const std::string& u) { return path == u || path.starts_with(u + "/"); });
  }
  // What could not be looked at keeps its last good version.
  void hold_unread(const scope_name& scope, std::vector<std::string>& held) const {
    if (listing_.unread.empty())
      return;
    for (const auto& [path, known] : before_)
      if (known.scope == scope && is_unread(path))
        held.push_back(path);
  }

  void import_course(const scope_name& scope) {
    import_scope(scope, [&](import_rows& rows, const auto& files, std::vector<fault>& faults) {
      course_source read = read_course(context_, scope, files);
      faults = read.faults;
      hold_unread(scope, read.held);
      write_course(rows, scope, read);
    });
  }

  // Where another folder has taken the slug over, only the files' rows go.
  void remove_course(const scope_name& scope, const std::map<std::string, scope_name>& slugs) {
    import_scope(scope, [&](import_rows& rows, const auto&, std::vector<fault>&) {
      course_source nothing;
      nothing.slug = read_course(context_, scope, {}).slug;
      if (slugs.contains(nothing.slug))
        rows.put_media(scope, {}, {});
      else
        write_course(rows, scope, nothing);
    });
  }

  // Skips a scope whose files look as they did, else reads and writes it.
  template <class Work>
  void import_scope(const scope_name& scope, Work&& work) {
    if (!chosen(scope))
      return;
    const auto listed = listing_.scopes.find(scope);
    static const std::vector<source_file> none;
    const auto& files = listed == listing_.scopes.end() ? none : listed->second;
    const std::string own = "scope:" + scope;
    if (is_unchanged(scope, own, files))
      return;
    transaction([&](import_rows& rows) {
      std::vector<fault> faults;
      work(rows, files, faults);
      if (const auto wrong = listing_.faults.find(scope); wrong != listing_.faults.end())
        faults.insert(faults.end(), wrong->second.begin(), wrong->second.end());
      rows.put_sources(before_, scope, sources_of(scope, own, files, faults));
      report_.faults.insert(report_.faults.end(), faults.begin(), faults.end());
    });
  }

  bool is_unchanged(const scope_name& scope, const std::string& own, const std::vector<source_file>& files) {
    if (listing_.faults.contains(scope))
      return false;
    const auto known = known_files_.find(scope);
    const std::size_t known_files = known == known_files_.end() ? 0 : known->second;
    const auto settings = before_.find(own);
    if (known_files == 0 && files.empty() && settings == before_.end())
      return true;
    if (known_files != files.size() || settings == before_.end() || settings->second.digest != settings_)
      return false;
    for (const auto& f : files)
      if (!known_file(f))
        return false;
    const auto tell = [&](const source_row& k) {
      report_.faults.insert(report_.faults.end(), k.faults.begin(), k.faults.end());
    };
    tell(settings->second);
    for (const auto& f : files) {
      tell(before_.at(f.path));
      report_.unchanged += f.path.ends_with(".md") ? 1 : 0;
    }
    return true;
  }

  std::map<std::string, source_row> sources_of(const scope_name& scope, const std::string& own,
                                               const std::vector<source_file>& files,
                                               const std::vector<fault>& faults) {
    std::map<std::string, source_row> rows;
    if (files.empty())
      return rows;
    const std::int64_t seen = micros(now_utc());
    for (const auto& f : files) {
      const auto digest = digests_.find(f.path);
      const source_row* known = known_file(f);
      rows[f.path] = {scope,
                      f.bytes,
                      f.modified,
                      f.inode,
                      known ? known->seen_at : seen,
                      digest == digests_.end() ? std::string() : digest->second,
                      {}};
    }
    source_row& all = rows[own];
    all.scope = scope;
    all.digest = settings_;
    for (const auto& f : faults) {
      const auto file = rows.find(f.file);
      (file == rows.end() ? all : file->second).faults.push_back(f);
    }
    return rows;
  }

  db& on_;
  std::string folder_;
  const import_options& options_;
  import_report report_;
  folder_listing listing_;
  std::optional<known_site> known_site_;
  site_info site_;
  bool site_wrong_ = false;
  std::string settings_;
  source_rows before_;
  std::vector<media_source> shared_;
  reading_context context_;
  std::unordered_map<std::string, std::string> digests_;
  std::unordered_map<scope_name, std::size_t> known_files_;
};

} // namespace

import_report import_folder(db& on, const std::string& folder, const import_options& options) {
  return importer(on, folder, options).run();
}

} // namespace lyceum::storage
