// SPDX-License-Identifier: Apache-2.0
#include "engines.hpp"

#include "storage/import.hpp"

#include <gmock/gmock.h>

namespace lyceum::storage::test {
namespace {

namespace cat = catalogue;
using namespace std::chrono_literals;
using ::testing::ElementsAre;

class catalogue_test : public migrated_test {
protected:
  void SetUp() override {
    migrated_test::SetUp();
    put("site.toml", "title = \"School\"\nlanguage = \"en\"\n");
    put("courses/02-second/course.md", "---\ntitle: Second\n---\n");
    put("courses/02-second/01-only.md", "# Only\n");
    put("courses/01-first/course.md", "---\ntitle: First\nsummary: About\n---\n");
    put("courses/01-first/course.de.md", "---\ntitle: Erster\n---\n");
    put("courses/01-first/01-a.md", "---\ntitle: A\n---\n");
    put("courses/01-first/01-a.fr.md", "---\ntitle: A en français\n---\n");
    put("courses/01-first/02-b.md", "---\ntitle: B\npublished: 2025-06-01\n---\n");
    put("courses/01-first/03-c.md", "---\ntitle: C\ndraft: true\n---\n![p](p.png)");
    put("courses/01-first/04-seul.fr.md", "---\ntitle: Seul\n---\n");
    put("courses/01-first/p.png", "picture");
    put("articles/2024-01-01-old.md", "---\ntitle: Old\ntags: [x]\n---\n");
    put("articles/2024-06-01-new.md", "---\ntitle: New\n---\n");
    put("articles/2030-01-01-later.md", "---\ntitle: Later\n---\n");
    put("pages/about.md", "# About\n");
  }
  void import() {
    const auto r = import_folder(*db_, folder_.string(), {.now = new_year});
    for (const auto& f : r.faults)
      ADD_FAILURE() << to_string(f);
  }
  static std::vector<std::string> slugs(const auto& all) {
    std::vector<std::string> out;
    for (const auto& x : all)
      out.push_back(x.slug);
    return out;
  }
};
ON_BOTH_ENGINES(catalogue_test);

TEST_P(catalogue_test, nothing_is_found_before_an_import) {
  EXPECT_EQ(cat::find_site(*db_).error().what, problem::kind::not_found);
  EXPECT_EQ(cat::find_course(*db_, "first", "en", new_year).error().what, problem::kind::not_found);
  EXPECT_EQ(cat::find_lesson(*db_, "first", "a", "en", new_year).error().what, problem::kind::not_found);
  EXPECT_TRUE(cat::list_courses(*db_, "en", new_year).empty());
  EXPECT_EQ(cat::next_publication(*db_, new_year), std::nullopt);
}

TEST_P(catalogue_test, the_site_names_its_languages_the_default_first) {
  import();
  EXPECT_THAT(cat::find_site(*db_)->languages, ElementsAre("en", "de", "fr"));
}

TEST_P(catalogue_test, courses_are_listed_in_order_with_their_lessons_counted) {
  import();
  const auto all = cat::list_courses(*db_, "en", new_year);
  EXPECT_THAT(slugs(all), ElementsAre("first", "second"));
  EXPECT_EQ(all[0].lesson_count, 1); // neither the draft nor the scheduled one
  const auto french = cat::list_courses(*db_, "fr", new_year);
  ASSERT_THAT(slugs(french), ElementsAre("first"));
  EXPECT_EQ(french[0].title, "First"); // no text of its own there
  EXPECT_EQ(french[0].lesson_count, 2);
  EXPECT_EQ(cat::list_courses(*db_, "de", new_year)[0].title, "Erster");
}

TEST_P(catalogue_test, a_course_knows_its_lessons_and_languages) {
  import();
  const auto c = cat::find_course(*db_, "first", "fr", new_year);
  ASSERT_TRUE(c);
  EXPECT_THAT(slugs(c->lessons), ElementsAre("a", "seul"));
  ASSERT_EQ(c->translations.size(), 3u);
  EXPECT_EQ(c->translations[0].language, "de");
  EXPECT_EQ(c->translations[0].title, "Erster");
  EXPECT_EQ(cat::find_course(*db_, "second", "fr", new_year).error(),
            (problem{problem::kind::moved, "/courses/second"}));
  EXPECT_EQ(cat::find_course(*db_, "third", "en", new_year).error().what, problem::kind::not_found);
}

TEST_P(catalogue_test, a_missing_translation_leads_to_the_default_language) {
  import();
  EXPECT_EQ(cat::find_lesson(*db_, "second", "only", "fr", new_year).error(),
            (problem{problem::kind::moved, "/courses/second/only"}));
  EXPECT_EQ(cat::find_lesson(*db_, "first", "seul", "fr", new_year)->title,
            "Seul"); // a translation without an original
  EXPECT_EQ(cat::find_lesson(*db_, "first", "seul", "en", new_year).error().what, problem::kind::not_found);
  EXPECT_EQ(cat::find_article(*db_, "old", "fr", new_year).error(), (problem{problem::kind::moved, "/articles/old"}));
}

TEST_P(catalogue_test, a_scheduled_lesson_appears_at_its_time_and_not_before) {
  import();
  const auto due = cat::next_publication(*db_, new_year);
  ASSERT_TRUE(due);
  EXPECT_EQ(micros(*due), 1748736000000000); // 2025-06-01
  EXPECT_FALSE(cat::find_lesson(*db_, "first", "b", "en", *due - 1us));
  EXPECT_TRUE(cat::find_lesson(*db_, "first", "b", "en", *due));
  EXPECT_EQ(cat::find_lesson(*db_, "first", "a", "en", *due)->siblings.size(), 2u);
}

TEST_P(catalogue_test, a_draft_is_not_found_nor_is_what_it_shows) {
  import();
  EXPECT_EQ(cat::find_lesson(*db_, "first", "c", "en", new_year).error().what, problem::kind::not_found);
  static constexpr query media_key{"test.media_key", "SELECT media_key FROM media WHERE name = $1"};
  const auto right = *db_->one(
      media_key, [](const row& r) { return r.text(0); }, "p.png");
  EXPECT_FALSE(cat::find_media(*db_, right, "p.png", new_year));
  put("courses/01-first/03-c.md", "---\ntitle: C\naccess: paid\n---\n![p](p.png)");
  import();
  const auto found = cat::find_media(*db_, right, "p.png", new_year);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->open_to, (std::vector{access{access::kind::paid, {}}}));
  EXPECT_FALSE(may_fetch({access::kind::members, {}}, *found));
  EXPECT_EQ(found->path, (folder_ / "courses/01-first/p.png").string());
  EXPECT_FALSE(cat::find_media(*db_, right, "q.png", new_year));
  put("courses/01-first/03-c.md", "---\ntitle: C\naccess: paid\n---\n![p](p.png)\n\n<!-- more -->\n\nrest");
  import();
  EXPECT_TRUE(may_fetch({}, *cat::find_media(*db_, right, "p.png", new_year))); // in the free part
}

TEST_P(catalogue_test, a_draft_course_hides_its_lessons) {
  put("courses/02-second/course.md", "---\ntitle: Second\ndraft: true\n---\n");
  import();
  EXPECT_FALSE(cat::find_course(*db_, "second", "en", new_year));
  EXPECT_FALSE(cat::find_lesson(*db_, "second", "only", "en", new_year));
  EXPECT_THAT(slugs(cat::list_courses(*db_, "en", new_year)), ElementsAre("first"));
}

TEST_P(catalogue_test, articles_come_newest_first) {
  import();
  EXPECT_THAT(slugs(cat::list_articles(*db_, "en", new_year, 10)), ElementsAre("new", "old"));
  EXPECT_THAT(cat::list_articles(*db_, "en", new_year, 10)[1].tags, ElementsAre("x"));
  EXPECT_THAT(slugs(cat::list_articles(*db_, "en", new_year, 1)), ElementsAre("new"));
  EXPECT_EQ(cat::find_page(*db_, "about", "en", new_year)->title, "About");
  EXPECT_FALSE(cat::find_article(*db_, "about", "en", new_year)); // a page is no article
}

TEST_P(catalogue_test, every_address_is_found_with_its_title) {
  import();
  for (const auto& a : cat::list_addresses(*db_, new_year)) {
    const std::string slug = a.path.substr(a.path.rfind('/') + 1);
    if (a.kind == "course")
      EXPECT_EQ(cat::find_course(*db_, slug, a.language, new_year)->title, a.title) << a.path;
    else if (a.kind == "lesson")
      EXPECT_EQ(cat::find_lesson(*db_, a.path.find("first") != std::string::npos ? "first" : "second", slug, a.language,
                                 new_year)
                    ->title,
                a.title);
    else
      EXPECT_TRUE(a.kind == "article" ? cat::find_article(*db_, slug, a.language, new_year)
                                      : cat::find_page(*db_, slug, a.language, new_year));
  }
  EXPECT_EQ(cat::list_addresses(*db_, new_year).size(), 4u + 4u + 3u);
}

rendered_text sample_text() {
  return {"<p>x</p>", "<p>", true, {{2, "a", "A"}}, {{std::string(64, 'a'), "elixir", "1 + 1\n"}}, false};
}

TEST_P(catalogue_test, html_is_kept_by_text_and_version) {
  import();
  const auto keys = list_unrendered(*db_, 1, false, 100);
  EXPECT_EQ(keys.size(), 7u); // the draft too; texts that are empty alike are one text a folder and language
  const std::string& key = keys.front();
  EXPECT_EQ(find_rendered(*db_, key, 1).error(), (problem{problem::kind::needs_render, key}));
  const auto seq = cat::content_seq(*db_);
  save_rendered(*db_, key, 1, sample_text());
  EXPECT_EQ(find_rendered(*db_, key, 1), sample_text());
  EXPECT_FALSE(find_rendered(*db_, key, 2));
  EXPECT_EQ(cat::content_seq(*db_), seq); // nobody can have served it before
  EXPECT_EQ(list_unrendered(*db_, 1, false, 100).size(), keys.size() - 1);
  EXPECT_THAT(list_unrendered(*db_, 1, true, 100), ElementsAre(key));
  auto coloured = sample_text();
  coloured.html = "<p>y</p>";
  coloured.coloured = true;
  save_rendered(*db_, key, 1, coloured);
  const auto changes = cat::changes_since(*db_, seq);
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].tag, "text:" + key);
  EXPECT_TRUE(list_unrendered(*db_, 1, true, 100).empty());
  save_rendered(*db_, std::string(64, 'f'), 1, coloured); // of a text that is gone: nothing happens
  EXPECT_FALSE(find_rendered(*db_, std::string(64, 'f'), 1));
}

TEST_P(catalogue_test, colours_are_kept_by_block) {
  std::vector<std::pair<std::string, std::string>> all;
  std::vector<std::string> asked = {std::string(64, 'z')};
  for (char c = 'a'; c < 'a' + 20; ++c) {
    all.emplace_back(std::string(64, c), std::string("<b>") + c);
    asked.emplace_back(64, c);
  }
  save_colours(*db_, all);
  EXPECT_THAT(find_colours(*db_, asked), ::testing::UnorderedElementsAreArray(all));
  EXPECT_TRUE(find_colours(*db_, {}).empty());
}

TEST_P(catalogue_test, the_render_key_depends_on_every_part) {
  const render_input base{"a", "b", {{"s", "t"}}, {{"m", "n"}}, false};
  for (auto change : std::vector<std::function<void(render_input&)>>{
           [](auto& i) { i.markdown = "x"; }, [](auto& i) { i.base_path = "x"; },
           [](auto& i) { i.slugs[0].second = "x"; }, [](auto& i) { i.media[0].name = "x"; },
           [](auto& i) { i.media[0].width = 1; }, [](auto& i) { i.trusted_html = true; },
           [](auto& i) {
             i.slugs.clear(), i.media.push_back({"s", "t"});
           }}) {
    render_input other = base;
    change(other);
    EXPECT_NE(render_key(other), render_key(base));
  }
  EXPECT_EQ(render_key(base), render_key(render_input(base)));
}

// A query that reads a whole table to find one row would show only under load.
TEST_P(catalogue_test, lookups_use_an_index) {
  if (GetParam() != engine::sqlite)
    return; // PostgreSQL prefers to scan tables this small
  static constexpr query lesson_plan{
      "test.lesson_plan", "EXPLAIN QUERY PLAN SELECT t.title FROM courses c JOIN lessons l ON l.course_id = c.id "
                          "JOIN lesson_texts t ON t.lesson_id = l.id AND t.language = $3 "
                          "WHERE c.slug = $1 AND l.slug = $2"};
  static constexpr query siblings_plan{
      "test.siblings_plan", "EXPLAIN QUERY PLAN SELECT l.slug FROM lesson_texts t JOIN lessons l ON l.id = t.lesson_id "
                            "WHERE t.course_id = $1 AND t.language = $2 ORDER BY t.position"};
  for (const auto& step : db_->all(
           lesson_plan, [](const row& r) { return r.text(3); }, "a", "b", "c"))
    EXPECT_THAT(step, ::testing::StartsWith("SEARCH"));
  for (const auto& step : db_->all(
           siblings_plan, [](const row& r) { return r.text(3); }, 1, "c"))
    EXPECT_THAT(step, ::testing::StartsWith("SEARCH"));
}

} // namespace
} // namespace lyceum::storage::test
