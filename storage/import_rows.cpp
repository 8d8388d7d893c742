// SPDX-License-Identifier: Apache-2.0
#include "storage/import_rows.hpp"

#include "storage/catalogue.hpp"
#include "storage/changes.hpp"
#include "storage/digest.hpp"
#include "storage/json_text.hpp"

#include <algorithm>

namespace lyceum::storage {
namespace {

constexpr query all_sources{"import.all_sources", R"sql(
  SELECT path, scope, bytes, modified, inode, seen_at, digest, faults FROM sources
)sql"};
constexpr query put_source{"import.put_source", R"sql(
  INSERT INTO sources (path, scope, bytes, modified, inode, seen_at, digest, faults)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
  ON CONFLICT (path) DO UPDATE SET scope = excluded.scope, bytes = excluded.bytes, modified = excluded.modified,
    inode = excluded.inode, seen_at = excluded.seen_at, digest = excluded.digest, faults = excluded.faults
)sql"};
constexpr query delete_source{"import.delete_source", "DELETE FROM sources WHERE path = $1"};

constexpr query put_text{"import.put_text", R"sql(
  INSERT INTO texts (render_key, markdown, base_path, slugs, media, trusted_html, orphaned_at)
  VALUES ($1, $2, $3, $4, $5, $6, NULL)
  ON CONFLICT (render_key) DO UPDATE SET orphaned_at = NULL
)sql"};
// A visitor's request may still hold the old key: its text is kept a while.
constexpr query orphan_text{"import.orphan_text", R"sql(
  UPDATE texts SET orphaned_at = $2
   WHERE render_key = $1
     AND NOT EXISTS (SELECT 1 FROM course_texts t WHERE t.render_key = $1)
     AND NOT EXISTS (SELECT 1 FROM lesson_texts t WHERE t.render_key = $1)
     AND NOT EXISTS (SELECT 1 FROM article_texts t WHERE t.render_key = $1)
)sql"};
constexpr query delete_orphans{"import.delete_orphans", "DELETE FROM texts WHERE orphaned_at < $1"};
constexpr std::chrono::minutes orphans_kept{10};

constexpr query delete_tags{"import.delete_tags",
                            "DELETE FROM tags WHERE owner_kind = $1 AND owner_id = $2 AND language = $3"};
constexpr query put_tag{"import.put_tag",
                        "INSERT INTO tags (owner_kind, owner_id, language, position, tag) VALUES ($1, $2, $3, $4, $5)"};
constexpr query delete_uses{"import.delete_uses",
                            "DELETE FROM media_uses WHERE owner_kind = $1 AND owner_id = $2 AND language = $3"};
constexpr query put_use{"import.put_use", R"sql(
  INSERT INTO media_uses (owner_kind, owner_id, language, role, track, source, access, published_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
)sql"};
constexpr query delete_redirects{"import.delete_redirects",
                                 "DELETE FROM redirects WHERE owner_kind = $1 AND owner_id = $2"};
constexpr query put_redirect{"import.put_redirect", R"sql(
  INSERT INTO redirects (kind, parent, slug, owner_kind, owner_id) VALUES ($1, $2, $3, $4, $5)
  ON CONFLICT (kind, parent, slug) DO UPDATE SET owner_kind = excluded.owner_kind, owner_id = excluded.owner_id
)sql"};

constexpr query scope_media{"import.scope_media",
                            "SELECT source, media_key, name, content_type FROM media WHERE scope = $1"};
constexpr query put_media_row{"import.put_media", R"sql(
  INSERT INTO media (source, scope, media_key, name, content_type, bytes, digest) VALUES ($1, $2, $3, $4, $5, $6, $7)
  ON CONFLICT (source) DO UPDATE SET scope = excluded.scope, media_key = excluded.media_key, name = excluded.name,
    content_type = excluded.content_type, bytes = excluded.bytes, digest = excluded.digest
)sql"};
constexpr query delete_media{"import.delete_media", "DELETE FROM media WHERE source = $1"};

constexpr query kept_languages{"import.kept_languages",
                               "SELECT language, published_since FROM languages ORDER BY language"};
constexpr query published_languages{"import.published_languages", R"sql(
  SELECT language, MIN(published_at) FROM (
      SELECT language, published_at FROM lesson_texts WHERE published_at IS NOT NULL
      UNION ALL SELECT language, published_at FROM course_texts WHERE published_at IS NOT NULL AND source <> ''
      UNION ALL SELECT language, published_at FROM article_texts WHERE published_at IS NOT NULL
    ) t GROUP BY language ORDER BY language
)sql"};
constexpr query delete_languages{"import.delete_languages", "DELETE FROM languages"};
constexpr query put_language{"import.put_language",
                             "INSERT INTO languages (language, published_since) VALUES ($1, $2)"};

constexpr query advance_counter{"changes.advance_counter",
                                R"sql(
  UPDATE content_counter SET seq = CASE WHEN seq = 0 THEN $2 ELSE seq END + $1 WHERE id = 1 RETURNING seq
)sql"};
constexpr query put_change{"changes.put_change", "INSERT INTO content_changes (seq, tag, at) VALUES ($1, $2, $3)"};
constexpr query delete_old_changes{"changes.delete_old", R"sql(
  DELETE FROM content_changes
   WHERE seq <= (SELECT seq FROM content_changes ORDER BY seq DESC LIMIT 1 OFFSET $1)
)sql"};

void add_heading(sha256& sum, const text_source& t) {
  sum.field(t.slug).field(t.position).field(t.title).field(t.summary).field(to_string(t.who)).field(t.duration.count());
  sum.field(t.reading_minutes).field(t.has_video ? 1 : 0).field(t.draft ? 1 : 0);
  sum.field(t.published ? micros(*t.published) : -1);
}

} // namespace

source_rows load_sources(db& on) {
  source_rows rows;
  on.all(all_sources, [&](const row& r) {
    rows.emplace(r.text(0), source_row{r.text(1), r.integer(2), r.integer(3), r.integer(4), r.integer(5), r.text(6),
                                       json_text::to_faults(r.view(7))});
    return 0;
  });
  return rows;
}

std::int64_t add_changes(db& on, const std::set<std::string>& tags, unix_time now) {
  // A new database begins at the clock, so that it is ahead of pages that were kept from the one before it; from there on without
  // gaps, by which followers see what they missed.
  const auto newest = on.one(
      advance_counter, [](const row& r) { return r.integer(0); }, tags.size(), micros(now));
  if (!newest)
    throw error("changes.advance_counter", "the counter's row is missing");
  std::int64_t seq = *newest - static_cast<std::int64_t>(tags.size());
  for (const auto& tag : tags)
    on.exec(put_change, ++seq, tag, now);
  on.exec(delete_old_changes, changes_kept_max);
  on.notify(content_channel, std::to_string(seq));
  return seq;
}

std::string content_hash_of(const text_source& t, std::string_view key) {
  sha256 sum;
  add_heading(sum, t);
  sum.field(t.path)
      .field(t.language)
      .field(t.author)
      .field(t.updated ? micros(*t.updated) : -1)
      .field(t.revision)
      .field(key);
  for (const auto& tag : t.tags)
    sum.field("tag").field(tag);
  for (const auto& r : t.redirect_from)
    sum.field("redirect").field(r.kind).field(r.parent).field(r.slug);
  for (const auto& u : t.uses)
    sum.field("use").field(u.role).field(u.track).field(u.source).field(u.key).field(to_string(u.who));
  return sum.hex();
}

std::string entry_hash_of(const text_source& t) {
  sha256 sum;
  add_heading(sum, t);
  return sum.hex();
}

void import_rows::note(import_item::kind what, std::string name, std::string file) {
  int& count = what == import_item::kind::added     ? report_.added
               : what == import_item::kind::changed ? report_.changed
                                                    : report_.removed;
  ++count;
  report_.items.push_back({what, std::move(name), std::move(file)});
}

std::optional<unix_time> import_rows::publication(const text_source& t, const known_text* before) const {
  if (t.draft)
    return std::nullopt;
  if (t.published)
    return t.published;
  if (before && before->published_at && *before->published_at <= now_)
    return before->published_at;
  return now_;
}

unix_time import_rows::last_change(const text_source& t) const {
  const auto stated = t.updated ? t.updated : t.published;
  return std::min(stated.value_or(t.modified), std::max(now_, t.published.value_or(now_)));
}

void import_rows::put_input(const std::string& key, const render_input& input) {
  on_.exec(put_text, key, input.markdown, input.base_path, json_text::of_pairs(input.slugs),
           json_text::of_media(input.media), input.trusted_html);
}

void import_rows::drop_input(const std::string& key) {
  on_.exec(orphan_text, key, now_);
}

void import_rows::put_extras(std::string_view kind, std::int64_t owner, const text_source& t,
                             std::optional<unix_time> published_at) {
  drop_extras(kind, owner, t.language);
  for (std::size_t i = 0; i < t.tags.size(); ++i)
    on_.exec(put_tag, kind, owner, t.language, i, t.tags[i]);
  for (const auto& u : t.uses)
    on_.exec(put_use, kind, owner, t.language, u.role, u.track, u.source, to_string(u.who), published_at);
}

void import_rows::drop_extras(std::string_view kind, std::int64_t owner, std::string_view language) {
  on_.exec(delete_tags, kind, owner, language);
  on_.exec(delete_uses, kind, owner, language);
}

void import_rows::put_redirects(std::string_view kind, std::int64_t owner, const std::set<redirect_source>& from) {
  on_.exec(delete_redirects, kind, owner);
  for (const auto& r : from)
    on_.exec(put_redirect, r.kind, r.parent, r.slug, kind, owner);
}

void import_rows::drop_owner(std::string_view kind, std::int64_t owner) {
  on_.exec(delete_redirects, kind, owner);
}

void import_rows::put_media(const scope_name& scope, const std::vector<media_source>& files,
                            const std::vector<std::string>& held) {
  std::map<std::string, std::string> known;
  on_.all(
      scope_media,
      [&](const row& r) {
        known[r.text(0)] = r.text(1) + r.text(2) + r.text(3);
        return 0;
      },
      scope);
  for (const auto& f : files) {
    const auto before = known.extract(f.path);
    if (before.empty() || before.mapped() != f.key + f.name + f.content_type)
      on_.exec(put_media_row, f.path, scope, f.key, f.name, f.content_type, f.bytes, f.digest);
  }
  for (const auto& [path, what] : known)
    if (std::find(held.begin(), held.end(), path) == held.end())
      on_.exec(delete_media, path);
}

void import_rows::put_sources(const source_rows& before, const scope_name& scope,
                              const std::map<std::string, source_row>& files) {
  for (const auto& [path, f] : files) {
    const auto known = before.find(path);
    if (known == before.end() || !(known->second == f))
      on_.exec(put_source, path, f.scope, f.bytes, f.modified, f.inode, f.seen_at, f.digest,
               json_text::of_faults(f.faults));
  }
  for (const auto& [path, f] : before)
    if (f.scope == scope && !files.contains(path))
      on_.exec(delete_source, path);
}

void import_rows::refresh_languages() {
  const auto read = [](const row& r) { return std::pair(r.text(0), r.integer(1)); };
  const auto before = on_.all(kept_languages, read);
  const auto after = on_.all(published_languages, read);
  if (before == after)
    return;
  on_.exec(delete_languages);
  for (const auto& [language, since] : after)
    on_.exec(put_language, language, since);
  const auto same = [](const auto& a, const auto& b) { return a.first == b.first; };
  if (!std::equal(before.begin(), before.end(), after.begin(), after.end(), same))
    tag("site"); // every page's language switch
}

void import_rows::finish() {
  if (languages_differ_)
    refresh_languages();
  if (tags_.empty())
    return;
  on_.exec(delete_orphans, now_ - orphans_kept);
  report_.content_seq = add_changes(on_, tags_, now_);
  for (const auto& t : tags_)
    if (std::find(report_.tags.begin(), report_.tags.end(), t) == report_.tags.end())
      report_.tags.push_back(t);
  tags_.clear();
}

} // namespace lyceum::storage
