// SPDX-License-Identifier: Apache-2.0
// Articles' and pages' rows made equal to what their folders say.
#include "storage/catalogue.hpp"
#include "storage/import_rows.hpp"

#include <algorithm>

namespace lyceum::storage {
namespace {

using kind = import_item::kind;

constexpr query article_texts{"import.article_texts", R"sql(
  SELECT t.article_id, a.slug, t.language, t.content_hash, t.source, t.render_key, t.published_at, t.entry_hash
    FROM article_texts t JOIN articles a ON a.id = t.article_id
   WHERE t.kind = $1 AND t.source IS NOT NULL
)sql"};
constexpr query article_by_slug{"import.article_by_slug", "SELECT id FROM articles WHERE kind = $1 AND slug = $2"};
constexpr query put_article{"import.put_article", "INSERT INTO articles (id, kind, slug) VALUES ($1, $2, $3)"};
constexpr query rename_article{"import.rename_article", "UPDATE articles SET slug = $2 WHERE id = $1"};
constexpr query put_article_text{"import.put_article_text", R"sql(
  INSERT INTO article_texts (article_id, language, kind, title, summary, author, render_key, access, reading_minutes,
                             published_at, updated_at, source, entry_hash, content_hash)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
  ON CONFLICT (article_id, language) DO UPDATE SET title = excluded.title, summary = excluded.summary,
    author = excluded.author, render_key = excluded.render_key, access = excluded.access,
    reading_minutes = excluded.reading_minutes, published_at = excluded.published_at, updated_at = excluded.updated_at,
    source = excluded.source, entry_hash = excluded.entry_hash, content_hash = excluded.content_hash
)sql"};
constexpr query delete_article_text{"import.delete_article_text",
                                    "DELETE FROM article_texts WHERE article_id = $1 AND language = $2"};
constexpr query delete_empty_articles{"import.delete_empty_articles", R"sql(
  DELETE FROM articles WHERE kind = $1
     AND NOT EXISTS (SELECT 1 FROM article_texts t WHERE t.article_id = articles.id)
  RETURNING id
)sql"};

class writer {
public:
  writer(import_rows& rows, std::string what, const std::vector<text_source>& from,
         const std::vector<std::string>& held)
      : rows_(rows), on_(rows.on()), kind_(std::move(what)), from_(from), held_(held) {}

  void write() {
    before_ = on_.all(
        article_texts,
        [](const row& r) {
          return known_text{r.integer(0), r.text(1), r.text(2),       r.text(3), r.text(7),
                            r.text(4),    r.text(5), r.maybe_time(6), true};
        },
        kind_);
    for (const auto& k : before_)
      ids_[k.slug] = k.owner;
    for (const auto& t : from_)
      wanted_.insert(t.slug);
    for (const auto& t : from_)
      if (!ids_.contains(t.slug))
        keep_renamed(t);
    for (const auto& t : from_)
      put(t);
    for (const auto& k : before_)
      remove(k);
    for (const auto& slug : touched_)
      put_redirects(slug);
    for (const auto gone : on_.all(
             delete_empty_articles, [](const row& r) { return r.integer(0); }, kind_))
      rows_.drop_owner("article", gone);
  }

private:
  known_text* find(const text_source& t) {
    for (auto& k : before_)
      if (k.slug == t.slug && k.language == t.language)
        return &k;
    return nullptr;
  }

  void keep_renamed(const text_source& t) {
    for (const auto& r : t.redirect_from) {
      const auto old = ids_.find(r.slug);
      if (r.kind != kind_ || wanted_.contains(r.slug) || old == ids_.end())
        continue;
      on_.exec(rename_article, old->second, t.slug);
      rows_.tag(kind_ + ":" + r.slug);
      ids_[t.slug] = old->second;
      for (auto& k : before_)
        if (k.slug == r.slug)
          k.slug = t.slug;
      ids_.erase(r.slug);
      return;
    }
  }

  std::int64_t id_of(const std::string& slug) {
    auto& known = ids_[slug];
    if (known == 0)
      known = on_.one(
                     article_by_slug, [](const row& r) { return r.integer(0); }, kind_, slug)
                  .value_or(0);
    if (known == 0) {
      known = make_id();
      on_.exec(put_article, known, kind_, slug);
    }
    return known;
  }

  void put(const text_source& t) {
    known_text* known = find(t);
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
    const std::int64_t article = id_of(t.slug);
    rows_.put_input(key, t.input);
    on_.exec(put_article_text, article, t.language, kind_, t.title, t.summary, t.author, key, to_string(t.who),
             t.reading_minutes, published, rows_.last_change(t), t.path, entry, hash);
    rows_.put_extras("article", article, t, published);
    if (known && known->render_key != key)
      rows_.drop_input(known->render_key);
    told(known ? kind::changed : kind::added, t.slug, t.language, t.path);
    if (!known || known->entry_hash != entry)
      tell_lists();
  }

  void remove(const known_text& k) {
    if (!k.gone)
      return;
    if (std::find(held_.begin(), held_.end(), k.source) != held_.end()) {
      rows_.unchanged();
      return;
    }
    on_.exec(delete_article_text, k.owner, k.language);
    rows_.drop_extras("article", k.owner, k.language);
    rows_.drop_input(k.render_key);
    told(kind::removed, k.slug, k.language, k.source);
    tell_lists();
  }

  void told(kind what, const std::string& slug, const std::string& language, const std::string& path) {
    touched_.insert(slug);
    rows_.note(what, kind_ + " " + slug + " (" + language + ")", path);
    rows_.tag(kind_ + ":" + slug);
    rows_.tag("addresses");
  }

  void tell_lists() {
    if (kind_ == "article")
      rows_.tag("articles");
    rows_.languages_may_differ();
  }

  void put_redirects(const std::string& slug) {
    std::set<redirect_source> all;
    for (const auto& t : from_)
      if (t.slug == slug)
        all.insert(t.redirect_from.begin(), t.redirect_from.end());
    rows_.put_redirects("article", ids_[slug], all);
  }

  import_rows& rows_;
  db& on_;
  std::string kind_;
  const std::vector<text_source>& from_;
  const std::vector<std::string>& held_;
  std::vector<known_text> before_;
  std::set<std::string> wanted_;
  std::map<std::string, std::int64_t> ids_;
  std::set<std::string> touched_;
};

} // namespace

void write_shelf(import_rows& rows, const shelf_source& from) {
  rows.put_media("texts", from.media, from.held);
  writer(rows, "article", from.articles, from.held).write();
  writer(rows, "page", from.pages, from.held).write();
}

} // namespace lyceum::storage
