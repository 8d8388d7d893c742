// SPDX-License-Identifier: Apache-2.0
// Every address, what is due next, and what changed.
#include "storage/catalogue.hpp"
#include "storage/model/paths.hpp"

#include <algorithm>

namespace lyceum::storage::catalogue {
namespace {

constexpr query course_addresses{"catalogue.course_addresses", R"sql(
  SELECT 'course', c.slug, '', l.language, COALESCE(t.title, o.title, ''), COALESCE(t.updated_at, o.updated_at, 0), s.language
    FROM courses c
    JOIN site s ON s.id = 1
    JOIN (SELECT course_id, language FROM course_texts WHERE published_at <= $1 AND COALESCE(source, '-') <> ''
          UNION SELECT course_id, language FROM lesson_texts WHERE published_at <= $1) l ON l.course_id = c.id
    LEFT JOIN course_texts t ON t.course_id = c.id AND t.language = l.language AND t.published_at <= $1
    LEFT JOIN course_texts o ON o.course_id = c.id AND o.language = s.language
   WHERE (o.course_id IS NULL OR o.published_at <= $1) AND (t.course_id IS NOT NULL OR o.course_id IS NOT NULL)
   ORDER BY c.position, c.slug, l.language
)sql"};
constexpr query lesson_addresses{"catalogue.lesson_addresses", R"sql(
  SELECT 'lesson', c.slug, l.slug, t.language, t.title, t.updated_at, s.language
    FROM lesson_texts t
    JOIN lessons l ON l.id = t.lesson_id
    JOIN courses c ON c.id = t.course_id
    JOIN site s ON s.id = 1
    LEFT JOIN course_texts o ON o.course_id = c.id AND o.language = s.language
   WHERE t.published_at <= $1 AND (o.course_id IS NULL OR o.published_at <= $1)
   ORDER BY c.position, c.slug, t.position, l.slug, t.language
)sql"};
constexpr query article_addresses{"catalogue.article_addresses", R"sql(
  SELECT t.kind, '', a.slug, t.language, t.title, t.updated_at, s.language
    FROM article_texts t JOIN articles a ON a.id = t.article_id JOIN site s ON s.id = 1
   WHERE t.published_at <= $1
   ORDER BY t.kind, t.published_at DESC, a.slug, t.language
)sql"};

constexpr query next_lesson{"catalogue.next_lesson",
                            "SELECT MIN(published_at) FROM lesson_texts WHERE published_at > $1"};
constexpr query next_article{"catalogue.next_article",
                             "SELECT MIN(published_at) FROM article_texts WHERE published_at > $1"};
constexpr query next_course{"catalogue.next_course",
                            "SELECT MIN(published_at) FROM course_texts WHERE published_at > $1"};

constexpr query newest_change{"catalogue.newest_change", "SELECT seq FROM content_counter WHERE id = 1"};
constexpr query later_changes{"catalogue.later_changes",
                              "SELECT seq, tag FROM content_changes WHERE seq > $1 ORDER BY seq LIMIT $2"};

address read_address(const row& r) {
  namespace path = lyceum::paths;
  address a;
  a.kind = r.text(0);
  const auto course_slug = r.view(1);
  const auto slug = r.view(2);
  a.language = r.text(3);
  a.title = r.text(4);
  a.updated_at = r.time(5);
  const auto default_language = r.view(6);
  a.group =
      a.kind + ":" + std::string(course_slug) + (slug.empty() || course_slug.empty() ? "" : "/") + std::string(slug);
  if (a.kind == "course")
    a.path = path::course(course_slug, a.language, default_language);
  else if (a.kind == "lesson")
    a.path = path::lesson(course_slug, slug, a.language, default_language);
  else if (a.kind == "article")
    a.path = path::article(slug, a.language, default_language);
  else
    a.path = path::page(slug, a.language, default_language);
  return a;
}

} // namespace

std::vector<address> list_addresses(db& on, unix_time now) {
  std::vector<address> all;
  for (const query* part : {&course_addresses, &lesson_addresses, &article_addresses}) {
    auto found = on.all(*part, read_address, now);
    std::move(found.begin(), found.end(), std::back_inserter(all));
  }
  return all;
}

std::optional<unix_time> next_publication(db& on, unix_time now) {
  std::optional<unix_time> next;
  for (const query* part : {&next_lesson, &next_article, &next_course}) {
    const auto due = on.one(
                           *part, [](const row& r) { return r.maybe_time(0); }, now)
                         .value_or(std::nullopt);
    if (due && (!next || *due < *next))
      next = due;
  }
  return next;
}

std::int64_t content_seq(db& on) {
  return on.one(newest_change, [](const row& r) { return r.integer(0); }).value_or(0);
}

std::vector<change> changes_since(db& on, std::int64_t seq, int limit) {
  return on.all(
      later_changes,
      [](const row& r) {
        return change{r.integer(0), r.text(1)};
      },
      seq, limit);
}

} // namespace lyceum::storage::catalogue
