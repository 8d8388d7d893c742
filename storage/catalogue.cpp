// SPDX-License-Identifier: Apache-2.0
// Site, courses, lessons, media.
#include "storage/catalogue.hpp"

#include "storage/catalogue_rows.hpp"
#include "storage/json_text.hpp"
#include "storage/model/paths.hpp"

#include <algorithm>

namespace lyceum::storage::catalogue {
namespace {

constexpr query the_site{"catalogue.the_site", R"sql(
  SELECT title, description, language, timezone, accent, author, trusted_html, navigation FROM site WHERE id = 1
)sql"};
constexpr query site_languages{"catalogue.site_languages",
                               "SELECT language FROM languages WHERE published_since <= $1 ORDER BY language"};

// A course is there in a language where its own text there is published, or where it has published lessons there; then the
// default language's text stands in. A text made up from a folder's name (source '') needs lessons.
constexpr query published_courses{"catalogue.published_courses", R"sql(
  WITH counted AS (
    SELECT course_id, COUNT(*) AS lessons FROM lesson_texts
     WHERE language = $1 AND published_at <= $2 GROUP BY course_id
  )
  SELECT c.id, c.slug, $1, t.title, t.summary, t.render_key, t.access, t.updated_at, COALESCE(n.lessons, 0), t.language
    FROM courses c
    JOIN site s ON s.id = 1
    LEFT JOIN counted n ON n.course_id = c.id
    LEFT JOIN course_texts o ON o.course_id = c.id AND o.language = s.language
    JOIN course_texts t ON t.course_id = c.id
     AND t.language = CASE WHEN EXISTS (SELECT 1 FROM course_texts w WHERE w.course_id = c.id AND w.language = $1
                                           AND w.published_at <= $2) THEN $1 ELSE s.language END
   WHERE t.published_at <= $2
     AND (o.course_id IS NULL OR o.published_at <= $2)
     AND (n.lessons > 0 OR (t.language = $1 AND COALESCE(t.source, '-') <> ''))
   ORDER BY c.position, c.slug
)sql"};

constexpr query published_course{"catalogue.published_course", R"sql(
  SELECT c.id, c.slug, $2, t.title, t.summary, t.render_key, t.access, t.updated_at,
         CASE WHEN t.language = $2 AND COALESCE(t.source, '-') <> '' THEN 1 ELSE 0 END,
         t.language
    FROM courses c
    JOIN site s ON s.id = 1
    LEFT JOIN course_texts o ON o.course_id = c.id AND o.language = s.language
    JOIN course_texts t ON t.course_id = c.id
     AND t.language = CASE WHEN EXISTS (SELECT 1 FROM course_texts w WHERE w.course_id = c.id AND w.language = $2
                                           AND w.published_at <= $3) THEN $2 ELSE s.language END
   WHERE c.slug = $1 AND t.published_at <= $3 AND (o.course_id IS NULL OR o.published_at <= $3)
)sql"};

constexpr query course_lessons{"catalogue.course_lessons", R"sql(
  SELECT l.id, l.slug, t.title, t.summary, t.position, t.access, t.duration_seconds, t.reading_minutes, t.has_video
    FROM lesson_texts t JOIN lessons l ON l.id = t.lesson_id
   WHERE t.course_id = $1 AND t.language = $2 AND t.published_at <= $3
   ORDER BY t.position, l.slug
)sql"};

// Lessons of a course stand or fall with the course's own publication in the default language.
constexpr query published_lesson{"catalogue.published_lesson", R"sql(
  SELECT l.id, l.slug, t.language, t.title, t.summary, t.author, t.render_key, t.position, t.access, t.reading_minutes,
         t.revision, t.published_at, t.updated_at, t.duration_seconds, c.id, c.slug,
         COALESCE(own.title, o.title, c.slug), s.language,
         CASE WHEN own.title IS NULL THEN s.language ELSE $3 END
    FROM courses c
    JOIN site s ON s.id = 1
    JOIN lessons l ON l.course_id = c.id
    JOIN lesson_texts t ON t.lesson_id = l.id AND (t.language = $3 OR t.language = s.language)
    LEFT JOIN course_texts own ON own.course_id = c.id AND own.language = $3 AND own.published_at <= $4
    LEFT JOIN course_texts o ON o.course_id = c.id AND o.language = s.language
   WHERE c.slug = $1 AND l.slug = $2 AND t.published_at <= $4 AND (o.course_id IS NULL OR o.published_at <= $4)
   ORDER BY CASE WHEN t.language = $3 THEN 0 ELSE 1 END
   LIMIT 1
)sql"};

constexpr query published_media{"catalogue.published_media", R"sql(
  SELECT m.media_key, m.name, m.content_type, m.bytes, s.content_folder, m.source, m.digest, u.access
    FROM media m
    JOIN site s ON s.id = 1
    JOIN media_uses u ON u.source = m.source
   WHERE m.media_key = $1 AND m.name = $2 AND u.published_at <= $3
     AND NOT EXISTS (
       SELECT 1 FROM lesson_texts t JOIN course_texts o ON o.course_id = t.course_id AND o.language = s.language
        WHERE u.owner_kind = 'lesson' AND t.lesson_id = u.owner_id AND t.language = u.language
          AND (o.published_at IS NULL OR o.published_at > $3))
)sql"};

course read_course(const row& r) {
  course c;
  c.course_id = r.integer(0);
  c.slug = r.text(1);
  c.language = r.text(2);
  c.title = r.text(3);
  c.summary = r.text(4);
  c.render_key = r.text(5);
  c.who = read_access(r.view(6));
  c.updated_at = r.time(7);
  c.lesson_count = r.small(8);
  c.words_language = r.text(9);
  return c;
}

lesson_entry read_entry(const row& r) {
  return {r.integer(0),
          r.text(1),
          r.text(2),
          r.text(3),
          r.small(4),
          read_access(r.view(5)),
          std::chrono::seconds(r.integer(6)),
          r.small(7),
          r.flag(8)};
}

struct lesson_row {
  lesson what;
  id course_id = 0;
  std::chrono::seconds duration{0};
  std::string default_language;
};

lesson_row read_lesson(const row& r) {
  lesson_row found;
  lesson& l = found.what;
  l.lesson_id = r.integer(0);
  l.slug = r.text(1);
  l.language = r.text(2);
  l.title = r.text(3);
  l.summary = r.text(4);
  l.author = r.text(5);
  l.render_key = r.text(6);
  l.position = r.small(7);
  l.who = read_access(r.view(8));
  l.reading_minutes = r.small(9);
  l.revision = r.text(10);
  l.published_at = r.time(11);
  l.updated_at = r.time(12);
  found.duration = std::chrono::seconds(r.integer(13));
  found.course_id = r.integer(14);
  l.course_slug = r.text(15);
  l.course_title = r.text(16);
  l.course_title_language = r.text(18);
  found.default_language = r.text(17);
  return found;
}

} // namespace

access read_access(std::string_view stored) {
  if (auto known = parse_access(stored))
    return std::move(*known);
  return {access::kind::plan, std::string(stored)};
}

expected<site_info> find_site(db& on) {
  auto found = on.one(the_site, [](const row& r) {
    return site_info{r.text(0), r.text(1), r.text(2), r.text(3),
                     r.text(4), r.text(5), r.flag(6), json_text::to_navigation(r.view(7)),
                     {}};
  });
  if (!found)
    return fail(problem::kind::not_found, "site");
  found->languages = on.all(
      site_languages, [](const row& r) { return r.text(0); }, now_utc());
  auto& languages = found->languages;
  if (const auto at = std::find(languages.begin(), languages.end(), found->language); at != languages.end())
    languages.erase(at);
  languages.insert(languages.begin(), found->language);
  return std::move(*found);
}

std::vector<course> list_courses(db& on, std::string_view language, unix_time now) {
  return on.all(published_courses, read_course, language, now);
}

expected<course> find_course(db& on, std::string_view slug, std::string_view language, unix_time now) {
  auto found = on.one(published_course, read_course, slug, language, now);
  if (found) {
    const bool own_text = found->lesson_count == 1;
    found->lessons = on.all(course_lessons, read_entry, found->course_id, language, now);
    found->lesson_count = static_cast<int>(found->lessons.size());
    if (own_text || !found->lessons.empty()) {
      auto more = list_extras(on, "course", found->course_id, language, now);
      found->tags = std::move(more.tags);
      found->translations = std::move(more.translations);
      return std::move(*found);
    }
    if (auto path = find_path(on, "course", found->course_id, language, now)) // it is in the default language alone
      return fail(problem::kind::moved, *path);
  }
  if (auto path = find_redirect(on, "course", "", slug, language, now))
    return fail(problem::kind::moved, *path);
  return fail(problem::kind::not_found, "course");
}

expected<lesson> find_lesson(db& on, std::string_view course_slug, std::string_view slug, std::string_view language,
                             unix_time now) {
  auto found = on.one(published_lesson, read_lesson, course_slug, slug, language, now);
  if (!found) {
    if (auto path = find_redirect(on, "lesson", course_slug, slug, language, now))
      return fail(problem::kind::moved, *path);
    return fail(problem::kind::not_found, "lesson");
  }
  lesson& l = found->what;
  if (l.language != language)
    return fail(problem::kind::moved, paths::lesson(l.course_slug, l.slug, l.language, found->default_language));
  l.siblings = on.all(course_lessons, read_entry, found->course_id, language, now);
  auto more = list_extras(on, "lesson", l.lesson_id, language, now);
  l.tags = std::move(more.tags);
  l.translations = std::move(more.translations);
  l.film = std::move(more.film);
  if (l.film)
    l.film->duration = found->duration;
  return std::move(found->what);
}

expected<media_file> find_media(db& on, std::string_view key, std::string_view name, unix_time now) {
  auto found = on.all(
      published_media,
      [](const row& r) {
        return media_file{r.text(0),
                          r.text(1),
                          r.text(2),
                          r.integer(3),
                          r.text(4) + "/" + r.text(5),
                          r.text(6),
                          {read_access(r.view(7))}};
      },
      key, name, now);
  if (found.empty())
    return fail(problem::kind::not_found, "media");
  for (std::size_t i = 1; i < found.size(); ++i) // several texts may show one file
    found.front().open_to.push_back(std::move(found[i].open_to.front()));
  return std::move(found.front());
}

} // namespace lyceum::storage::catalogue
