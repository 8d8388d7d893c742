// SPDX-License-Identifier: Apache-2.0
// A course's rows made equal to what its folder says.
#include "storage/catalogue.hpp"
#include "storage/import_rows.hpp"

#include <algorithm>

namespace lyceum::storage {
namespace {

using kind = import_item::kind;

constexpr query course_by_slug{"import.course_by_slug", "SELECT id, position FROM courses WHERE slug = $1"};
constexpr query put_course{"import.put_course", "INSERT INTO courses (id, slug, position) VALUES ($1, $2, $3)"};
constexpr query update_course{"import.update_course", "UPDATE courses SET slug = $2, position = $3 WHERE id = $1"};
constexpr query delete_course{"import.delete_course", "DELETE FROM courses WHERE id = $1"};

constexpr query course_texts{"import.course_texts", R"sql(
  SELECT t.course_id, c.slug, t.language, t.content_hash, t.source, t.render_key, t.published_at
    FROM course_texts t JOIN courses c ON c.id = t.course_id
   WHERE t.course_id = $1 AND t.source IS NOT NULL
)sql"};
constexpr query put_course_text{"import.put_course_text", R"sql(
  INSERT INTO course_texts (course_id, language, title, summary, render_key, access, published_at, updated_at, source,
                            content_hash)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
  ON CONFLICT (course_id, language) DO UPDATE SET title = excluded.title, summary = excluded.summary,
    render_key = excluded.render_key, access = excluded.access, published_at = excluded.published_at,
    updated_at = excluded.updated_at, source = excluded.source, content_hash = excluded.content_hash
)sql"};
constexpr query delete_course_text{"import.delete_course_text",
                                   "DELETE FROM course_texts WHERE course_id = $1 AND language = $2"};

constexpr query lesson_texts{"import.lesson_texts", R"sql(
  SELECT t.lesson_id, l.slug, t.language, t.content_hash, t.source, t.render_key, t.published_at, t.entry_hash
    FROM lesson_texts t JOIN lessons l ON l.id = t.lesson_id
   WHERE t.course_id = $1 AND t.source IS NOT NULL
)sql"};
constexpr query lesson_by_slug{"import.lesson_by_slug", "SELECT id FROM lessons WHERE course_id = $1 AND slug = $2"};
constexpr query put_lesson{"import.put_lesson", "INSERT INTO lessons (id, course_id, slug) VALUES ($1, $2, $3)"};
constexpr query rename_lesson{"import.rename_lesson", "UPDATE lessons SET slug = $2 WHERE id = $1"};
constexpr query put_lesson_text{"import.put_lesson_text", R"sql(
  INSERT INTO lesson_texts (lesson_id, language, course_id, position, title, summary, author, render_key, access,
                            duration_seconds, reading_minutes, has_video, revision, published_at, updated_at, source,
                            entry_hash, content_hash)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
  ON CONFLICT (lesson_id, language) DO UPDATE SET position = excluded.position, title = excluded.title,
    summary = excluded.summary, author = excluded.author, render_key = excluded.render_key, access = excluded.access,
    duration_seconds = excluded.duration_seconds, reading_minutes = excluded.reading_minutes,
    has_video = excluded.has_video, revision = excluded.revision, published_at = excluded.published_at,
    updated_at = excluded.updated_at, source = excluded.source, entry_hash = excluded.entry_hash,
    content_hash = excluded.content_hash
)sql"};
constexpr query delete_lesson_text{"import.delete_lesson_text",
                                   "DELETE FROM lesson_texts WHERE lesson_id = $1 AND language = $2"};
constexpr query delete_empty_lessons{"import.delete_empty_lessons", R"sql(
  DELETE FROM lessons WHERE course_id = $1
     AND NOT EXISTS (SELECT 1 FROM lesson_texts t WHERE t.lesson_id = lessons.id)
  RETURNING id
)sql"};
constexpr query count_course_texts{"import.count_course_texts", R"sql(
  SELECT (SELECT COUNT(*) FROM course_texts WHERE course_id = $1) + (SELECT COUNT(*) FROM lesson_texts WHERE course_id = $1)
)sql"};

known_text read_known(const row& r) {
  return {r.integer(0), r.text(1), r.text(2), r.text(3), {}, r.text(4), r.text(5), r.maybe_time(6), true};
}

class writer {
public:
  writer(import_rows& rows, const course_source& from) : rows_(rows), on_(rows.on()), from_(from) {}

  void write() {
    if (!find_course())
      return;
    write_texts();
    write_lessons();
    if (on_.one(
               count_course_texts, [](const row& r) { return r.integer(0); }, course_)
            .value_or(0) == 0) {
      rows_.drop_owner("course", course_);
      on_.exec(delete_course, course_);
      tell_lists();
    }
  }

private:
  bool find_course() {
    const auto read = [](const row& r) { return std::pair(r.integer(0), r.small(1)); };
    if (const auto known = on_.one(course_by_slug, read, from_.slug)) {
      course_ = known->first;
      if (known->second != from_.position) {
        on_.exec(update_course, course_, from_.slug, from_.position);
        rows_.tag("courses");
      }
      return true;
    }
    if (from_.texts.empty() && from_.lessons.empty())
      return false;
    for (const auto& text : from_.texts)
      for (const auto& r : text.redirect_from)
        if (r.kind == "course")
          if (const auto old = on_.one(course_by_slug, read, r.slug)) { // renamed: it stays the same course
            course_ = old->first;
            on_.exec(update_course, course_, from_.slug, from_.position);
            rows_.tag("course:" + r.slug);
            tell_lists();
            return true;
          }
    course_ = make_id();
    on_.exec(put_course, course_, from_.slug, from_.position);
    return true;
  }

  void tell_lists() {
    rows_.tag("courses");
    rows_.tag("addresses");
  }

  bool is_held(const std::string& path) const {
    return std::find(from_.held.begin(), from_.held.end(), path) != from_.held.end();
  }

  static known_text* find(std::vector<known_text>& all, const std::string& slug, const std::string& language) {
    for (auto& k : all)
      if (k.slug == slug && k.language == language)
        return &k;
    return nullptr;
  }

  void write_texts() {
    auto before = on_.all(course_texts, read_known, course_);
    bool redirects = false;
    for (const auto& t : from_.texts) {
      known_text* known = find(before, from_.slug, t.language);
      const std::string key = render_key(t.input);
      const std::string hash = content_hash_of(t, key);
      if (known)
        known->gone = false;
      if (known && known->content_hash == hash) {
        rows_.unchanged();
        continue;
      }
      const auto published = rows_.publication(t, known);
      rows_.put_input(key, t.input);
      on_.exec(put_course_text, course_, t.language, t.title, t.summary, key, to_string(t.who), published,
               rows_.last_change(t), t.path, hash);
      rows_.put_extras("course", course_, t, published);
      if (known && known->render_key != key)
        rows_.drop_input(known->render_key);
      redirects = true;
      told(known ? kind::changed : kind::added, "course " + from_.slug, t.language, t.path);
    }
    for (const auto& k : before) {
      if (!k.gone)
        continue;
      if (is_held(k.source)) {
        rows_.unchanged();
        continue;
      }
      on_.exec(delete_course_text, course_, k.language);
      rows_.drop_extras("course", course_, k.language);
      rows_.drop_input(k.render_key);
      redirects = true;
      told(kind::removed, "course " + from_.slug, k.language, k.source);
    }
    if (redirects)
      rows_.put_redirects("course", course_, union_of(from_.texts, from_.slug));
  }

  void told(kind what, std::string name, const std::string& language, const std::string& path) {
    rows_.note(what, std::move(name) + " (" + language + ")", path);
    rows_.tag("course:" + from_.slug);
    rows_.languages_may_differ();
    tell_lists();
  }

  static std::set<redirect_source> union_of(const std::vector<text_source>& texts, const std::string& slug) {
    std::set<redirect_source> all;
    for (const auto& t : texts)
      if (t.slug == slug)
        all.insert(t.redirect_from.begin(), t.redirect_from.end());
    return all;
  }

  void write_lessons() {
    auto before = on_.all(
        lesson_texts,
        [](const row& r) {
          known_text k = read_known(r);
          k.entry_hash = r.text(7);
          return k;
        },
        course_);
    std::set<std::string> wanted;
    for (const auto& t : from_.lessons)
      wanted.insert(t.slug);
    std::map<std::string, std::int64_t> ids;
    for (const auto& k : before)
      ids[k.slug] = k.owner;
    for (const auto& t : from_.lessons)
      if (!ids.contains(t.slug))
        keep_renamed(t, wanted, ids, before);
    std::set<std::string> touched;
    for (const auto& t : from_.lessons)
      write_lesson(t, before, ids, touched);
    for (const auto& k : before)
      remove_lesson(k, touched);
    for (const auto& slug : touched)
      if (const auto known = ids.find(slug); known != ids.end())
        rows_.put_redirects("lesson", known->second, union_of(from_.lessons, slug));
    for (const auto gone : on_.all(
             delete_empty_lessons, [](const row& r) { return r.integer(0); }, course_))
      rows_.drop_owner("lesson", gone);
  }

  // A lesson whose new slug names the old one in redirect_from stays the same lesson.
  void keep_renamed(const text_source& t, const std::set<std::string>& wanted, std::map<std::string, std::int64_t>& ids,
                    std::vector<known_text>& before) {
    for (const auto& r : t.redirect_from) {
      const auto old = ids.find(r.slug);
      if (r.kind != "lesson" || r.parent != from_.slug || wanted.contains(r.slug) || old == ids.end())
        continue;
      on_.exec(rename_lesson, old->second, t.slug);
      rows_.tag("lesson:" + from_.slug + "/" + r.slug);
      ids[t.slug] = old->second;
      for (auto& k : before)
        if (k.slug == r.slug)
          k.slug = t.slug;
      ids.erase(r.slug);
      return;
    }
  }

  std::int64_t lesson_id(const std::string& slug, std::map<std::string, std::int64_t>& ids) {
    auto& known = ids[slug];
    if (known == 0)
      known = on_.one(
                     lesson_by_slug, [](const row& r) { return r.integer(0); }, course_, slug)
                  .value_or(0);
    if (known == 0) {
      known = make_id();
      on_.exec(put_lesson, known, course_, slug);
    }
    return known;
  }

  void write_lesson(const text_source& t, std::vector<known_text>& before, std::map<std::string, std::int64_t>& ids,
                    std::set<std::string>& touched) {
    known_text* known = find(before, t.slug, t.language);
    const std::string key = render_key(t.input);
    const std::string hash = content_hash_of(t, key);
    if (known)
      known->gone = false;
    if (known && known->content_hash == hash) {
      rows_.unchanged();
      return;
    }
    const auto published = rows_.publication(t, known);
    const std::string entry = entry_hash_of(t);
    const std::int64_t lesson = lesson_id(t.slug, ids);
    rows_.put_input(key, t.input);
    on_.exec(put_lesson_text, lesson, t.language, course_, t.position, t.title, t.summary, t.author, key,
             to_string(t.who), t.duration.count(), t.reading_minutes, t.has_video, t.revision, published,
             rows_.last_change(t), t.path, entry, hash);
    rows_.put_extras("lesson", lesson, t, published);
    if (known && known->render_key != key)
      rows_.drop_input(known->render_key);
    touched.insert(t.slug);
    rows_.note(known ? kind::changed : kind::added, lesson_name(t.slug, t.language), t.path);
    rows_.tag("lesson:" + from_.slug + "/" + t.slug);
    rows_.tag("addresses");
    if (known && known->entry_hash == entry)
      return;
    // Its neighbours and the course's list show its title, place and length.
    rows_.tag("course:" + from_.slug);
    if (!known || known->published_at != published) {
      rows_.tag("courses");
      rows_.languages_may_differ();
    }
  }

  void remove_lesson(const known_text& k, std::set<std::string>& touched) {
    if (!k.gone)
      return;
    if (is_held(k.source)) {
      rows_.unchanged();
      return;
    }
    on_.exec(delete_lesson_text, k.owner, k.language);
    rows_.drop_extras("lesson", k.owner, k.language);
    rows_.drop_input(k.render_key);
    touched.insert(k.slug);
    rows_.note(kind::removed, lesson_name(k.slug, k.language), k.source);
    rows_.tag("lesson:" + from_.slug + "/" + k.slug);
    rows_.tag("course:" + from_.slug);
    rows_.languages_may_differ();
    tell_lists();
  }

  std::string lesson_name(const std::string& slug, const std::string& language) const {
    return "lesson " + from_.slug + "/" + slug + " (" + language + ")";
  }

  import_rows& rows_;
  db& on_;
  const course_source& from_;
  std::int64_t course_ = 0;
};

} // namespace

void write_course(import_rows& rows, const scope_name& scope, const course_source& from) {
  rows.put_media(scope, from.media, from.held);
  writer(rows, from).write();
}

} // namespace lyceum::storage
