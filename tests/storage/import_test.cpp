// SPDX-License-Identifier: Apache-2.0
#include "engines.hpp"

#include "storage/import.hpp"
#include "storage/moments.hpp"
#include "storage/words.hpp"

#include <algorithm>
#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>
#include <thread>

namespace lyceum::storage::test {
namespace {

namespace cat = catalogue;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

class import_test : public migrated_test {
protected:
  void SetUp() override {
    migrated_test::SetUp();
    put("site.toml", "title = \"School\"\nlanguage = \"en\"\n");
    put("courses/basics/course.md", "---\ntitle: Basics\naccess: members\n---\nIntro");
    put("courses/basics/01-intro.md", "---\ntitle: Intro\naccess: public\n---\nSee [next](02-enum.md#map).\n");
    put("courses/basics/02-enum.md", "---\ntitle: Enum\ntags: [b, a]\n---\n## Map\n\n![d](diagram.png)\n");
    put("courses/basics/02-enum.fr.md", "---\ntitle: Énum\n---\nBonjour");
    put("courses/basics/02-enum.mp4", "film");
    put("courses/basics/02-enum.en.vtt", "WEBVTT");
    put("courses/basics/diagram.png", "picture");
    put("articles/2024-01-02-hello.md", "---\ntitle: Hello\n---\nText");
    put("pages/about.md", "---\ntitle: About\n---\nText");
  }

  import_report run(import_options options = {}) {
    options.now = new_year;
    return import_folder(*db_, folder_.string(), options);
  }
  std::string faults_of(const import_report& r) {
    std::string all;
    for (const auto& f : r.faults)
      all += to_string(f) + "\n";
    return all;
  }
  expected<lesson> find(std::string_view slug, std::string_view language = "en") {
    return cat::find_lesson(*db_, "basics", slug, language, new_year);
  }
  std::string title(std::string_view slug, std::string_view language = "en") {
    const auto l = find(slug, language);
    return l ? l->title : "(none)";
  }
};
ON_BOTH_ENGINES(import_test);

TEST_P(import_test, a_folder_becomes_a_school) {
  const auto r = run();
  EXPECT_EQ(faults_of(r), "");
  EXPECT_EQ(r.added, 7); // the site, a course, three lesson texts, an article, a page
  const auto enumerables = find("enum");
  ASSERT_TRUE(enumerables);
  EXPECT_EQ(enumerables->who.who, access::kind::members); // its course's
  EXPECT_EQ(find("intro")->who.who, access::kind::everyone);
  EXPECT_THAT(enumerables->tags, ElementsAre("b", "a"));
  ASSERT_TRUE(enumerables->film);
  EXPECT_EQ(enumerables->film->file.content_type, "video/mp4");
  ASSERT_EQ(enumerables->film->captions.size(), 1u);
  EXPECT_EQ(enumerables->film->captions[0].language, "en");
  ASSERT_EQ(enumerables->translations.size(), 2u);
  EXPECT_EQ(enumerables->translations[1].title, "Énum");
  ASSERT_EQ(enumerables->siblings.size(), 2u);
  EXPECT_TRUE(enumerables->siblings[1].has_video);
  const auto text = find_render_input(*db_, enumerables->render_key);
  ASSERT_TRUE(text);
  EXPECT_EQ(text->base_path, "/courses/basics/");
  ASSERT_EQ(text->media.size(), 1u);
  EXPECT_EQ(text->media[0].name, "diagram.png");
}

TEST_P(import_test, an_unchanged_folder_changes_nothing) {
  run();
  const auto seq = cat::content_seq(*db_);
  const auto again = run();
  EXPECT_EQ(again.added + again.changed + again.removed, 0);
  EXPECT_EQ(again.unchanged, 7);
  EXPECT_EQ(cat::content_seq(*db_), seq);
}

TEST_P(import_test, a_touched_file_changes_nothing) {
  run();
  put("courses/basics/01-intro.md", "---\ntitle: Intro\naccess: public\n---\nSee [next](02-enum.md#map).\n");
  const auto again = run();
  EXPECT_EQ(again.changed, 0);
  EXPECT_TRUE(again.tags.empty());
}

TEST_P(import_test, an_edit_tags_just_what_shows_it) {
  run();
  put("courses/basics/01-intro.md", "---\ntitle: Intro\naccess: public\n---\nOther words.\n");
  EXPECT_THAT(run().tags, UnorderedElementsAre("addresses", "lesson:basics/intro"));
  put("courses/basics/01-intro.md", "---\ntitle: Introduction\naccess: public\n---\nOther words.\n");
  EXPECT_THAT(run().tags, UnorderedElementsAre("addresses", "lesson:basics/intro", "course:basics"));
  put("courses/basics/03-more.md", "---\ntitle: More\n---\nText");
  EXPECT_THAT(run().tags, UnorderedElementsAre("addresses", "lesson:basics/more", "course:basics", "courses"));
  put("pages/about.md", "---\ntitle: About us\n---\nText");
  EXPECT_THAT(run().tags, UnorderedElementsAre("addresses", "page:about"));
  put("site.toml", "title = \"Other\"\nlanguage = \"en\"\n");
  EXPECT_THAT(run().tags, UnorderedElementsAre("site"));
}

TEST_P(import_test, a_broken_edit_keeps_the_last_good_version) {
  run();
  put("courses/basics/01-intro.md", "---\ntitle: [broken\n---\nText");
  const auto r = run();
  EXPECT_THAT(faults_of(r), HasSubstr("courses/basics/01-intro.md:2: error: front matter is not YAML"));
  EXPECT_EQ(r.removed + r.changed, 0);
  EXPECT_EQ(title("intro"), "Intro");
  EXPECT_THAT(faults_of(run()), HasSubstr("courses/basics/01-intro.md:2: error")); // told again, though nothing changed
  put("courses/basics/01-intro.md", "---\ntitle: Mended\n---\nText");
  EXPECT_TRUE(run().ok());
  EXPECT_EQ(title("intro"), "Mended");
}

// Otherwise a slip in course.md would open every lesson that takes its access over.
TEST_P(import_test, a_broken_course_opens_none_of_its_lessons) {
  run();
  put("courses/basics/course.md", "---\ntitle: Basics\naccess: memberz\n---\nIntro");
  put("courses/basics/02-enum.md", "---\ntitle: Edited\n---\nText");
  const auto r = run();
  EXPECT_THAT(faults_of(r), HasSubstr("course.md:3: error: access is \"memberz\""));
  EXPECT_THAT(faults_of(r), HasSubstr("02-enum.md: warning: waits for courses/basics/course.md"));
  EXPECT_EQ(title("enum"), "Enum");
  EXPECT_EQ(find("enum")->who.who, access::kind::members);
}

TEST_P(import_test, a_removed_file_is_removed) {
  run();
  remove("courses/basics/01-intro.md");
  const auto r = run();
  EXPECT_EQ(r.removed, 1);
  EXPECT_EQ(title("intro"), "(none)");
  EXPECT_THAT(r.tags, IsSupersetOf({"lesson:basics/intro", "course:basics", "courses", "addresses"}));
  remove("courses/basics");
  run();
  EXPECT_FALSE(cat::find_course(*db_, "basics", "en", new_year));
  EXPECT_TRUE(cat::list_courses(*db_, "en", new_year).empty());
  EXPECT_EQ(cat::list_addresses(*db_, new_year).size(), 2u);
}

TEST_P(import_test, a_renamed_lesson_stays_the_same_and_its_old_address_leads_to_it) {
  run();
  const auto before = find("intro")->lesson_id;
  remove("courses/basics/01-intro.md");
  put("courses/basics/01-start.md", "---\ntitle: Start\nredirect_from: [intro, /courses/old/first]\n---\nText");
  EXPECT_THAT(run().tags, IsSupersetOf({"lesson:basics/intro", "lesson:basics/start"}));
  EXPECT_EQ(find("start")->lesson_id, before);
  const auto old = find("intro");
  ASSERT_FALSE(old);
  EXPECT_EQ(old.error(), (problem{problem::kind::moved, "/courses/basics/start"}));
  EXPECT_EQ(cat::find_lesson(*db_, "old", "first", "en", new_year).error().detail, "/courses/basics/start");
}

TEST_P(import_test, a_renamed_course_takes_its_lessons_along) {
  run();
  const auto before = cat::find_course(*db_, "basics", "en", new_year)->course_id;
  std::filesystem::rename(folder_ / "courses/basics", folder_ / "courses/start");
  put("courses/start/course.md", "---\ntitle: Start\naccess: members\nredirect_from: basics\n---\nIntro");
  EXPECT_TRUE(run().ok());
  EXPECT_EQ(cat::find_course(*db_, "start", "en", new_year)->course_id, before);
  EXPECT_EQ(cat::find_course(*db_, "basics", "en", new_year).error().detail, "/courses/start");
  EXPECT_EQ(find("enum", "fr").error().detail, "/fr/courses/start/enum");
}

TEST_P(import_test, a_dry_run_reports_and_writes_nothing) {
  const auto r = run({.dry_run = true});
  EXPECT_EQ(r.added, 7);
  EXPECT_FALSE(cat::find_site(*db_));
  EXPECT_EQ(cat::content_seq(*db_), 0);
  EXPECT_EQ(run().added, 7);
}

TEST_P(import_test, only_what_changed_paths_name_is_looked_at) {
  run();
  put("courses/basics/01-intro.md", "---\ntitle: New\n---\nText");
  put("pages/about.md", "---\ntitle: New\n---\nText");
  EXPECT_EQ(run({.changed_paths = {"pages/about.md"}}).changed, 1);
  EXPECT_EQ(title("intro"), "Intro");
  EXPECT_EQ(run({.changed_paths = {"courses/basics/01-intro.md"}}).changed, 1);
  EXPECT_EQ(title("intro"), "New");
}

TEST_P(import_test, another_folder_needs_to_be_asked_for) {
  run();
  put("other/site.toml", "title = \"Other\"\n");
  const auto refused = import_folder(*db_, (folder_ / "other").string());
  EXPECT_THAT(faults_of(refused), HasSubstr("--replace-content"));
  EXPECT_EQ(cat::find_site(*db_)->title, "School");
  EXPECT_TRUE(import_folder(*db_, (folder_ / "other").string(), {.replace_content = true}).ok());
  EXPECT_EQ(cat::find_site(*db_)->title, "Other");
  EXPECT_TRUE(cat::list_addresses(*db_, new_year).empty());
}

TEST_P(import_test, every_slip_has_its_message) {
  put("courses/basics/03-big.md", "# Big\n" + std::string(300 * 1024, 'x'));
  put("courses/basics/04-latin.md", "# Caf\xe9\n");
  put("courses/basics/05-twin.md", "---\ntitle: Twin\nslug: intro\n---\n");
  put("courses/basics/06-film.md", "---\ntitle: Film\nvideo: missing.mp4\n---\n");
  put("courses/basics/07-when.md", "---\ntitle: When\npublished: someday\n---\n");
  put("courses/basics/notes.md", "# Notes\n");
  put("courses/other/01-x.md", "# X\n");
  put("pages/courses.md", "# Mine\n");
  put("pages/fr.md", "# Mine\n");
  std::filesystem::create_symlink("/etc/passwd", folder_ / "courses/basics/secret.txt");
  const std::string all = faults_of(run());
  EXPECT_THAT(all, HasSubstr("courses/basics/03-big.md: error: the file has 301 KiB; at most 256 KiB"));
  EXPECT_THAT(all, HasSubstr("courses/basics/04-latin.md:1: error: not UTF-8"));
  EXPECT_THAT(all, HasSubstr("courses/basics/05-twin.md:3: error: two lessons have the slug \"intro\""));
  EXPECT_THAT(all, HasSubstr("courses/basics/06-film.md:3: error: the video \"missing.mp4\""));
  EXPECT_THAT(all, HasSubstr("courses/basics/07-when.md:3: error: published is \"someday\""));
  EXPECT_THAT(all, HasSubstr("courses/basics/notes.md: warning: neither course.md nor NN-name.md"));
  EXPECT_THAT(all, HasSubstr("courses/other/course.md: warning: missing"));
  EXPECT_THAT(all, HasSubstr("pages/courses.md:1: error: a page cannot be called \"courses\""));
  EXPECT_THAT(all, HasSubstr("pages/fr.md"));
  EXPECT_THAT(all, HasSubstr("courses/basics/secret.txt: error: a symbolic link that leads out of the folder"));
  EXPECT_EQ(title("intro"), "Intro");
  EXPECT_EQ(cat::find_course(*db_, "other", "en", new_year)->title, "Other");
}

TEST_P(import_test, a_folder_that_is_no_school_is_refused) {
  remove("site.toml");
  EXPECT_THAT(faults_of(run()), HasSubstr("lyceum new DIR"));
  EXPECT_THAT(faults_of(import_folder(*db_, (folder_ / "nowhere").string())), HasSubstr("there is no folder"));
  EXPECT_FALSE(cat::find_site(*db_));
}

TEST_P(import_test, two_importers_at_once_leave_one_school) {
  const auto import = [&] {
    auto mine = connect(mode::writes, {.busy = std::chrono::seconds(20)});
    import_folder(*mine, folder_.string(), {.now = new_year});
  };
  std::thread other(import);
  import();
  other.join();
  EXPECT_EQ(cat::list_addresses(*db_, new_year).size(), 7u); // the course counts twice: it has a French lesson
  const auto changes = cat::changes_since(*db_, 0);
  for (std::size_t i = 0; i < changes.size(); ++i)
    EXPECT_EQ(changes[i].seq, changes[0].seq + static_cast<std::int64_t>(i)); // in order, none twice
}

TEST_P(import_test, a_database_made_anew_is_ahead_of_pages_kept_from_the_one_before) {
  run();
  EXPECT_GT(cat::changes_since(*db_, 0).front().seq, micros(new_year)); // else its changes would look like old ones
}

TEST_P(import_test, a_new_school_has_no_faults) {
  const std::string fresh = (folder_ / "fresh").string();
  ASSERT_TRUE(new_school(fresh));
  EXPECT_TRUE(check_folder(fresh).empty());
  const auto r = import_folder(*db_, fresh);
  EXPECT_EQ(faults_of(r), "");
  EXPECT_EQ(cat::find_course(*db_, "first-course", "en", now_utc())->lessons.size(), 2u);
  EXPECT_EQ(new_school(fresh).error().what, problem::kind::conflict);
}

TEST_P(import_test, check_names_links_that_lead_nowhere) {
  put("courses/basics/03-links.md", "---\ntitle: Links\n---\n[a](02-enum.md) [b](enum.md#map) "
                                    "[c](99-gone.md)\n\n[d](enum.md#nothing) [e](diagram.png)\n"
                                    "[f](gone.png) `[g](gone.md)` [h](/about) [i](/nowhere) [j](https://x.example) "
                                    "[k](#here)\n[![m](https://x.example/m.png)](#here)\n\n## Here\n\n"
                                    "```\n[l](gone.md)\n```\n");
  std::string all;
  for (const auto& f : check_folder(folder_.string()))
    all += to_string(f) + "\n";
  EXPECT_EQ(
      all,
      "courses/basics/03-links.md:4: warning: link to \"99-gone.md\": there is no such page\n"
      "courses/basics/03-links.md:6: warning: link to \"enum.md#nothing\": there is no heading with that anchor in "
      "courses/basics/02-enum.md\n"
      "courses/basics/03-links.md:7: warning: link to \"gone.png\": there is no such file beside the text\n"
      "courses/basics/03-links.md:7: warning: link to \"/nowhere\": there is no such page\n"
      "courses/basics/03-links.md:8: warning: picture \"https://x.example/m.png\": of another host, so a link stands "
      "in "
      "its place; put the file beside the text to show it\n");
}

TEST_P(import_test, what_cannot_be_rendered_is_a_fault_with_its_line_and_the_good_version_stays) {
  const render_judge judge = [](const render_input& input) -> std::optional<refusal> {
    const auto at = input.markdown.find("too wide");
    return at == std::string::npos
               ? std::nullopt
               : std::optional<refusal>({line_of(input.markdown, at), "this line begins too wide a table"});
  };
  const auto import = [&] { return import_folder(*db_, folder_.string(), {.judge = judge, .now = new_year}); };
  EXPECT_EQ(faults_of(import()), "");
  const auto good = find("intro")->render_key;
  put("courses/basics/01-intro.md", "---\ntitle: Wide\naccess: public\n---\n\nA\n\ntoo wide\n");
  const auto r = import();
  EXPECT_EQ(faults_of(r), "courses/basics/01-intro.md:8: error: this line begins too wide a table\n");
  EXPECT_EQ(r.changed, 0);
  EXPECT_EQ(title("intro"), "Intro");
  EXPECT_EQ(find("intro")->render_key, good);
  put("courses/basics/course.md", "---\ntitle: Basics\naccess: members\n---\ntoo wide");
  put("articles/2024-01-02-hello.md", "---\ntitle: Changed\n---\ntoo wide");
  EXPECT_EQ(import().errors(), 3) << "those of files that did not change are told again";
  EXPECT_EQ(cat::find_article(*db_, "hello", "en", new_year)->title, "Hello");
  EXPECT_EQ(find("intro")->who.who, access::kind::everyone);

  std::string checked;
  for (const auto& f : check_folder(folder_.string(), judge))
    checked += to_string(f) + "\n";
  EXPECT_THAT(checked, HasSubstr("courses/basics/01-intro.md:8: error: this line"));
}

TEST_P(import_test, what_is_locked_is_locked_with_its_pictures_and_its_poster) {
  put("courses/basics/02-enum.jpg", "poster");
  put("courses/basics/free.png", "free");
  put("courses/basics/paid.png", "paid");
  put("courses/basics/02-enum.md", "---\ntitle: Enum\n---\n```\n<!-- more -->\n```\n![](free.png)\n\n<!--more-->\n\n"
                                   "![](paid.png) ![](free.png)\n");
  EXPECT_EQ(faults_of(run()), "");
  static constexpr query uses{"test.uses", R"sql(
    SELECT DISTINCT m.name, u.access FROM media_uses u JOIN media m ON m.source = u.source WHERE u.role IN ('poster', 'text')
     ORDER BY m.name
  )sql"};
  std::string seen;
  for (const auto& row : db_->all(uses, [](const row& r) { return r.text(0) + " " + r.text(1); }))
    seen += row + "\n";
  EXPECT_EQ(seen, "02-enum.jpg members\nfree.png public\npaid.png members\n");
}

TEST_P(import_test, a_text_says_when_it_was_last_changed) {
  put("courses/basics/03-stated.md", "---\ntitle: Stated\nupdated: 2023-05-01\npublished: 2022-01-01\n---\nText");
  run();
  EXPECT_EQ(find("stated")->updated_at, parse_moment("2023-05-01", "UTC"));
  EXPECT_EQ(cat::find_article(*db_, "hello", "en", new_year)->updated_at, parse_moment("2024-01-02", "UTC"));
  EXPECT_LE(find("intro")->updated_at, new_year) << "the file's own time, and never one to come";
}

TEST_P(import_test, check_follows_links_of_translations_to_what_they_stand_for) {
  put("courses/basics/01-intro.fr.md", "---\ntitle: Intro\n---\n[a](02-enum.md) [b](03-only.md) [c](04-gone.md)\n");
  put("courses/basics/03-only.md", "---\ntitle: Only in English\n---\nText\n");
  std::string all;
  for (const auto& f : check_folder(folder_.string()))
    all += to_string(f) + "\n";
  EXPECT_EQ(all, "courses/basics/01-intro.fr.md:4: warning: link to \"04-gone.md\": there is no such page\n");
}

TEST_P(import_test, check_names_two_texts_that_claim_one_address) {
  put("courses/basics/03-a.md", "---\ntitle: A\nredirect_from: [old]\n---\nText\n");
  put("courses/basics/03-a.fr.md", "---\ntitle: A\nredirect_from: [old]\n---\nTexte\n");
  put("courses/basics/04-b.md", "---\ntitle: B\nredirect_from: [old]\n---\nText\n");
  std::string all;
  for (const auto& f : check_folder(folder_.string()))
    all += to_string(f) + "\n";
  EXPECT_EQ(all,
            "courses/basics/04-b.md: error: redirect_from names \"old\", which courses/basics/03-a.md names too: one "
            "address can lead to one text only\n");
}

TEST_P(import_test, a_name_that_only_looks_like_a_translation_is_warned_of) {
  put("courses/basics/03-intro-to-node.js.md", "---\ntitle: Node\n---\nText\n");
  put("courses/basics/04-solo.de.md", "---\ntitle: Allein\n---\nText\n");
  EXPECT_EQ(faults_of(run()),
            "courses/basics/03-intro-to-node.js.md: warning: read as a translation into \"js\" of "
            "03-intro-to-node.md, which is not there. If .js belongs to the name, write it with a dash\n");
}

TEST_P(import_test, a_preview_is_what_the_school_would_render) {
  const auto made = preview_text((folder_ / "courses/basics/02-enum.md").string());
  ASSERT_TRUE(made);
  EXPECT_EQ(made->input.base_path, "/courses/basics/");
  ASSERT_EQ(made->input.media.size(), 1u);
  EXPECT_THAT(made->input.media[0].url, HasSubstr("/media/"));
  EXPECT_THAT(made->input.markdown, Not(HasSubstr("title:")));
  EXPECT_EQ(preview_text((folder_ / "courses").string()).error().what, problem::kind::invalid);
  EXPECT_EQ(preview_text((folder_ / "nowhere.md").string()).error().what, problem::kind::not_found);
}

TEST_P(import_test, a_report_can_be_read_by_people_and_programs) {
  put("courses/basics/03-bad.md", "no title");
  const auto r = run();
  EXPECT_THAT(to_text(r), HasSubstr("added    lesson basics/enum (fr)  courses/basics/02-enum.fr.md\n"));
  EXPECT_THAT(to_text(r), HasSubstr("7 added, 0 changed, 0 removed, 0 unchanged; 1 error, 0 warnings"));
  EXPECT_THAT(to_json(r), HasSubstr("\"severity\":\"error\""));
}

// Whatever is edited in whatever order: the rows are those that a fresh import of the same folder would make.
TEST_P(import_test, edits_and_a_fresh_import_agree) {
  run();
  const auto addresses = [&](db& on) {
    std::vector<std::string> all;
    for (const auto& a : cat::list_addresses(on, new_year))
      all.push_back(a.path + " " + a.title);
    std::sort(all.begin(), all.end());
    return all;
  };
  for (unsigned step = 0; step < 12; ++step) {
    const std::string n = std::to_string(1 + step * 7 % 5);
    const std::string path =
        "courses/c" + std::to_string(step % 3) + "/0" + n + "-l" + n + (step % 4 == 1 ? ".fr" : "") + ".md";
    if (step % 5 == 4)
      remove("courses/c" + std::to_string(step % 3));
    else
      put(path, "# Title " + std::to_string(step) + "\n" + (step % 3 == 0 ? "[x](01-l1.md)" : ""));
    run();
  }
  const auto edited = addresses(*db_);
  static constexpr query wipe{"test.wipe", "DELETE FROM courses"};
  static constexpr query wipe_articles{"test.wipe_articles", "DELETE FROM articles"};
  static constexpr query wipe_sources{"test.wipe_sources", "DELETE FROM sources"};
  for (const query* q : {&wipe, &wipe_articles, &wipe_sources})
    db_->exec(*q);
  run();
  EXPECT_EQ(addresses(*db_), edited);
  EXPECT_GE(edited.size(), 5u);
}

} // namespace
} // namespace lyceum::storage::test
