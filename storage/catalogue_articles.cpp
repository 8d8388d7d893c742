// SPDX-License-Identifier: Apache-2.0
// Articles and pages.
#include "storage/catalogue_rows.hpp"
#include "storage/model/paths.hpp"

#include <unordered_map>

namespace lyceum::storage::catalogue {
namespace {

constexpr query newest_articles{"catalogue.newest_articles", R"sql(
  SELECT t.article_id, a.slug, t.language, t.title, t.summary, t.author, t.render_key, t.access, t.reading_minutes,
         t.published_at, t.updated_at
    FROM article_texts t JOIN articles a ON a.id = t.article_id
   WHERE t.kind = 'article' AND t.language = $1 AND t.published_at <= $2
   ORDER BY t.published_at DESC, a.slug
   LIMIT $3
)sql"};
constexpr query newest_articles_tags{"catalogue.newest_articles_tags", R"sql(
  SELECT g.owner_id, g.tag
    FROM tags g
   WHERE g.owner_kind = 'article' AND g.language = $1 AND g.owner_id IN (
     SELECT t.article_id FROM article_texts t JOIN articles a ON a.id = t.article_id
      WHERE t.kind = 'article' AND t.language = $1 AND t.published_at <= $2
      ORDER BY t.published_at DESC, a.slug LIMIT $3)
   ORDER BY g.owner_id, g.position
)sql"};

constexpr query published_article{"catalogue.published_article", R"sql(
  SELECT a.id, a.slug, t.language, t.title, t.summary, t.author, t.render_key, t.access, t.reading_minutes,
         t.published_at, t.updated_at, s.language
    FROM articles a
    JOIN site s ON s.id = 1
    JOIN article_texts t ON t.article_id = a.id AND (t.language = $3 OR t.language = s.language)
   WHERE a.kind = $1 AND a.slug = $2 AND t.published_at <= $4
   ORDER BY CASE WHEN t.language = $3 THEN 0 ELSE 1 END
   LIMIT 1
)sql"};

article read_article(const row& r) {
  article a;
  a.article_id = r.integer(0);
  a.slug = r.text(1);
  a.language = r.text(2);
  a.title = r.text(3);
  a.summary = r.text(4);
  a.author = r.text(5);
  a.render_key = r.text(6);
  a.who = read_access(r.view(7));
  a.reading_minutes = r.small(8);
  a.published_at = r.time(9);
  a.updated_at = r.time(10);
  return a;
}

expected<article> find(db& on, std::string_view kind, std::string_view slug, std::string_view language, unix_time now) {
  auto found = on.one(
      published_article, [](const row& r) { return std::pair(read_article(r), r.text(11)); }, kind, slug, language,
      now);
  if (!found) {
    if (auto path = find_redirect(on, kind, "", slug, language, now))
      return fail(problem::kind::moved, *path);
    return fail(problem::kind::not_found, std::string(kind));
  }
  auto& [a, default_language] = *found;
  if (a.language != language)
    return fail(problem::kind::moved, kind == "article" ? paths::article(a.slug, a.language, default_language)
                                                        : paths::page(a.slug, a.language, default_language));
  auto more = list_extras(on, "article", a.article_id, language, now);
  a.tags = std::move(more.tags);
  a.translations = std::move(more.translations);
  return std::move(a);
}

} // namespace

std::vector<article> list_articles(db& on, std::string_view language, unix_time now, int limit) {
  auto found = on.all(newest_articles, read_article, language, now, limit);
  std::unordered_map<id, article*> by_id;
  for (auto& a : found)
    by_id[a.article_id] = &a;
  on.all(
      newest_articles_tags,
      [&](const row& r) {
        if (const auto known = by_id.find(r.integer(0)); known != by_id.end())
          known->second->tags.push_back(r.text(1));
        return 0;
      },
      language, now, limit);
  return found;
}

expected<article> find_article(db& on, std::string_view slug, std::string_view language, unix_time now) {
  return find(on, "article", slug, language, now);
}

expected<article> find_page(db& on, std::string_view slug, std::string_view language, unix_time now) {
  return find(on, "page", slug, language, now);
}

} // namespace lyceum::storage::catalogue
