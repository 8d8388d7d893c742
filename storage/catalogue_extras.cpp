// SPDX-License-Identifier: Apache-2.0
// What stands around a text: translations, tags, film; and where old addresses lead.
#include "storage/catalogue_rows.hpp"
#include "storage/model/paths.hpp"

#include <algorithm>

namespace lyceum::storage::catalogue {
namespace {

// One round trip: rows of three shapes, told apart by the first column.
constexpr query lesson_extras{"catalogue.lesson_extras", R"sql(
  SELECT 'translation' AS what, t.language AS word, t.title AS title, '' AS media_key, '' AS content_type, '' AS path,
         0 AS bytes, '' AS digest, '' AS access, 0 AS place
    FROM lesson_texts t WHERE t.lesson_id = $1 AND t.published_at <= $3
  UNION ALL
  SELECT 'tag', '', g.tag, '', '', '', 0, '', '', g.position
    FROM tags g WHERE g.owner_kind = 'lesson' AND g.owner_id = $1 AND g.language = $2
  UNION ALL
  SELECT u.role, u.track, m.name, m.media_key, m.content_type, s.content_folder || '/' || m.source, m.bytes, m.digest,
         u.access, 0
    FROM media_uses u JOIN media m ON m.source = u.source JOIN site s ON s.id = 1
   WHERE u.owner_kind = 'lesson' AND u.owner_id = $1 AND u.language = $2 AND u.role <> 'text'
   ORDER BY what, place, word
)sql"};

// A course is also there in each language that it has lessons in; then the default language's title stands in.
constexpr query course_extras{"catalogue.course_extras", R"sql(
  SELECT 'translation' AS what, l.language AS word, COALESCE(t.title, o.title, '') AS title, 0 AS place
    FROM (SELECT language FROM course_texts
           WHERE course_id = $1 AND published_at <= $3 AND COALESCE(source, '-') <> ''
          UNION SELECT language FROM lesson_texts WHERE course_id = $1 AND published_at <= $3) l
    JOIN site s ON s.id = 1
    LEFT JOIN course_texts t ON t.course_id = $1 AND t.language = l.language AND t.published_at <= $3
    LEFT JOIN course_texts o ON o.course_id = $1 AND o.language = s.language
   WHERE t.course_id IS NOT NULL OR o.course_id IS NOT NULL
  UNION ALL
  SELECT 'tag', '', g.tag, g.position
    FROM tags g WHERE g.owner_kind = 'course' AND g.owner_id = $1 AND g.language = $2
   ORDER BY what, place, word
)sql"};

constexpr query article_extras{"catalogue.article_extras", R"sql(
  SELECT 'translation' AS what, t.language AS word, t.title AS title, 0 AS place
    FROM article_texts t WHERE t.article_id = $1 AND t.published_at <= $3
  UNION ALL
  SELECT 'tag', '', g.tag, g.position
    FROM tags g WHERE g.owner_kind = 'article' AND g.owner_id = $1 AND g.language = $2
   ORDER BY what, place, word
)sql"};

constexpr query redirect_owner{"catalogue.redirect_owner", R"sql(
  SELECT owner_kind, owner_id FROM redirects WHERE kind = $1 AND parent = $2 AND slug = $3
)sql"};
// A renamed course takes its lessons' old addresses along.
constexpr query lesson_of_old_course{"catalogue.lesson_of_old_course", R"sql(
  SELECT l.id FROM redirects r JOIN lessons l ON l.course_id = r.owner_id
   WHERE r.kind = 'course' AND r.parent = '' AND r.slug = $1 AND r.owner_kind = 'course' AND l.slug = $2
)sql"};

constexpr query course_path{"catalogue.course_path", R"sql(
  SELECT c.slug, '',
         CASE WHEN EXISTS (SELECT 1 FROM course_texts t WHERE t.course_id = $1 AND t.language = $2 AND t.published_at <= $3
                              AND COALESCE(t.source, '-') <> '')
                OR EXISTS (SELECT 1 FROM lesson_texts t WHERE t.course_id = $1 AND t.language = $2 AND t.published_at <= $3)
              THEN $2 ELSE s.language END,
         s.language, 'course'
    FROM courses c JOIN site s ON s.id = 1
    JOIN course_texts o ON o.course_id = c.id AND o.language = s.language AND o.published_at <= $3
   WHERE c.id = $1
     AND (COALESCE(o.source, '-') <> '' OR EXISTS (
            SELECT 1 FROM lesson_texts t WHERE t.course_id = $1 AND t.language = s.language AND t.published_at <= $3))
)sql"};
constexpr query lesson_path{"catalogue.lesson_path", R"sql(
  SELECT c.slug, l.slug, t.language, s.language, 'lesson'
    FROM lessons l JOIN courses c ON c.id = l.course_id JOIN site s ON s.id = 1
    JOIN lesson_texts t ON t.lesson_id = l.id AND (t.language = $2 OR t.language = s.language) AND t.published_at <= $3
    LEFT JOIN course_texts o ON o.course_id = c.id AND o.language = s.language
   WHERE l.id = $1 AND (o.course_id IS NULL OR o.published_at <= $3)
   ORDER BY CASE WHEN t.language = $2 THEN 0 ELSE 1 END LIMIT 1
)sql"};
constexpr query article_path{"catalogue.article_path", R"sql(
  SELECT '', a.slug, t.language, s.language, a.kind
    FROM articles a JOIN site s ON s.id = 1
    JOIN article_texts t ON t.article_id = a.id AND (t.language = $2 OR t.language = s.language) AND t.published_at <= $3
   WHERE a.id = $1
   ORDER BY CASE WHEN t.language = $2 THEN 0 ELSE 1 END LIMIT 1
)sql"};

std::string read_path(const row& r) {
  const auto course_slug = r.view(0);
  const auto slug = r.view(1);
  const auto language = r.view(2);
  const auto default_language = r.view(3);
  const auto kind = r.view(4);
  if (kind == "course")
    return paths::course(course_slug, language, default_language);
  if (kind == "lesson")
    return paths::lesson(course_slug, slug, language, default_language);
  return kind == "article" ? paths::article(slug, language, default_language)
                           : paths::page(slug, language, default_language);
}

void take_media(extras& into, std::string_view role, const row& r, bool& has_film) {
  media_file file{r.text(3), r.text(2), r.text(4), r.integer(6), r.text(5), r.text(7), {read_access(r.view(8))}};
  if (!into.film)
    into.film.emplace();
  if (role == "video") {
    into.film->file = std::move(file);
    has_film = true;
  } else if (role == "poster") {
    into.film->poster = std::move(file);
  } else {
    into.film->captions.push_back({r.text(1), std::move(file)});
  }
}

} // namespace

extras list_extras(db& on, std::string_view kind, id owner, std::string_view language, unix_time now) {
  extras out;
  bool has_film = false;
  const auto read = [&](const row& r) {
    const auto what = r.view(0);
    if (what == "translation")
      out.translations.push_back({r.text(1), r.text(2)});
    else if (what == "tag")
      out.tags.push_back(r.text(2));
    else
      take_media(out, what, r, has_film);
    return 0;
  };
  on.all(kind == "lesson"   ? lesson_extras
         : kind == "course" ? course_extras
                            : article_extras,
         read, owner, language, now);
  if (!has_film)
    out.film.reset();
  return out;
}

std::optional<std::string> find_path(db& on, std::string_view kind, id owner, std::string_view language,
                                     unix_time now) {
  const query& where = kind == "course" ? course_path : kind == "lesson" ? lesson_path : article_path;
  return on.one(where, read_path, owner, language, now);
}

std::optional<std::string> find_redirect(db& on, std::string_view kind, std::string_view parent, std::string_view slug,
                                         std::string_view language, unix_time now) {
  const auto owner = on.one(
      redirect_owner, [](const row& r) { return std::pair(r.text(0), r.integer(1)); }, kind, parent, slug);
  if (owner)
    return find_path(on, owner->first, owner->second, language, now);
  if (kind == "lesson")
    if (const auto lesson = on.one(
            lesson_of_old_course, [](const row& r) { return r.integer(0); }, parent, slug))
      return find_path(on, "lesson", *lesson, language, now);
  return std::nullopt;
}

} // namespace lyceum::storage::catalogue
