// SPDX-License-Identifier: Apache-2.0
#include "tests/views/pages/samples.hpp"

#include "tests/views/pages/markup.hpp"
#include "views/languages.hpp"
#include "views/pages/mailbox.hpp"
#include "views/texts.hpp"
#include "views/url.hpp"

#include <atomic>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <sstream>
#include <thread>

namespace lyceum::views {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string open_lesson(const lesson& l, const std::string& language = "en", const viewer& who = {}) {
  return lesson_page(samples::site(language), l, samples::full_text(), who);
}

lesson locked_lesson(access what = {access::kind::members, ""}) {
  auto l = samples::full_lesson();
  l.who = std::move(what);
  return l;
}

TEST(pages_test, every_template_finds_every_name_in_a_full_and_in_an_empty_model) {
  for (const char* language : {"en", "de", "ar", "zh-hans"})
    EXPECT_NO_THROW(samples::all_pages(false, language)) << language; // a strict theme throws at the first unknown name
  EXPECT_NO_THROW(rss_feed(samples::site(), {samples::full_article(), samples::empty_article()}));
}

TEST(pages_test, every_page_template_is_filled_by_one_of_the_pages) {
  // A template that no page uses would pass the test above unseen.
  std::set<std::string> used{"rss.xml", "atom.xml"};
  for (const auto& page : {"home",
                           "courses",
                           "course",
                           "lesson",
                           "articles",
                           "article",
                           "standing",
                           "error",
                           "ops",
                           "ops_account",
                           "ops_accounts",
                           "ops_data_ask",
                           "ops_mail",
                           "ops_mails",
                           "ops_ask",
                           "ops_enter",
                           "mailbox",
                           "mailbox_mail",

                           "account",
                           "account_address",
                           "account_confirm",
                           "account_delete",
                           "account_notice",
                           "account_password",
                           "account_security",
                           "account_sessions",
                           "recovery_codes",
                           "second_factor",
                           "second_factor_setup",
                           "sign_in",
                           "sign_in_code",
                           "sign_in_link",
                           "sign_in_password"})
    used.insert(page);
  const auto pages = samples::strict_theme()->pages();
  EXPECT_EQ(std::set<std::string>(pages.begin(), pages.end()), used);
}

TEST(pages_test, ready_html_enters_a_template_only_by_names_that_say_so) {
  for (const auto& page : samples::strict_theme()->pages()) {
    const std::string& source = samples::strict_theme()->source(page);
    EXPECT_EQ(markup::count(source, "{{&"), 0) << page << ": write {{{name_html}}}";
    for (auto at = source.find("{{{"); at != std::string::npos; at = source.find("{{{", at + 3)) {
      const std::string name = source.substr(at + 3, source.find("}}}", at) - at - 3);
      EXPECT_TRUE(name.ends_with("_html")) << page << ": " << name;
    }
  }
}

TEST(pages_test, markup_is_well_formed_and_unscripted_whatever_a_title_holds) {
  for (const bool nasty : {false, true})
    for (const auto& [name, html] : samples::all_pages(nasty)) {
      EXPECT_EQ(markup::fault_of(html), "") << name << (nasty ? ", nasty" : "");
      EXPECT_EQ(markup::inline_code_of(html), "") << name << (nasty ? ", nasty" : "");
    }
}

TEST(pages_test, a_title_with_markup_in_it_is_shown_as_it_was_written) {
  const std::string html = open_lesson(samples::full_lesson(true));
  EXPECT_THAT(html, Not(HasSubstr("<b>O'Hara")));
  EXPECT_THAT(html, HasSubstr("<h1>&lt;b&gt;O&#39;Hara &amp; Söhne&lt;/b&gt; &quot;quoted&quot;"));
}

TEST(pages_test, code_in_a_title_is_code_in_headings_and_rows_and_plain_words_elsewhere) {
  auto a = samples::full_article();
  a.title = "`:odbc` and <Efficient> Querying";
  a.summary = "The pipe operator `|>` passes a lone ` on";
  const std::string page = article_page(samples::site(), a, samples::full_text(), {});
  EXPECT_THAT(page,
              AllOf(HasSubstr("<h1><code>:odbc</code> and &lt;Efficient&gt; Querying</h1>"),
                    HasSubstr("<title>:odbc and &lt;Efficient&gt; Querying · "),
                    HasSubstr("content=\"The pipe operator |&gt; passes a lone ` on\""), Not(HasSubstr("`:odbc`"))));
  EXPECT_THAT(articles_page(samples::site(), {a}),
              AllOf(HasSubstr("<code>:odbc</code> and &lt;Efficient&gt; Querying</a>"),
                    HasSubstr("operator <code>|&gt;</code> passes")));
  EXPECT_THAT(rss_feed(samples::site(), {a}), HasSubstr("<title>:odbc and &lt;Efficient&gt; Querying</title>"));
  auto l = samples::full_lesson();
  l.title = "``a ` b`` and ```c`";
  EXPECT_THAT(open_lesson(l), HasSubstr("<h1><code>a ` b</code> and ```c`</h1>"));
}

TEST(pages_test, a_callout_without_a_title_speaks_the_language_of_its_page) {
  const auto page = [](const std::string& language) {
    return open_lesson(samples::full_lesson(false, language), language);
  };
  EXPECT_THAT(page("en"), HasSubstr("<p class=\"callout-title\">Warning</p>"));
  EXPECT_THAT(page("de"), AllOf(HasSubstr("<p class=\"callout-title\">Warnung</p>"), HasSubstr("\">Tipp</p>")));
  EXPECT_THAT(page("ar"), HasSubstr("<p class=\"callout-title\" lang=\"en\">Tip</p>"));
  auto c = samples::full_course(false, "de");
  c.words_language = "en";
  EXPECT_THAT(course_page(samples::site("de"), c, samples::full_text(), {}),
              HasSubstr("<p class=\"callout-title\">Tip</p>"));
}

TEST(pages_test, structured_data_cannot_end_its_own_element) {
  for (const auto& [name, html] : samples::all_pages(true)) {
    const std::string data = markup::between(html, "<script type=\"application/ld+json\">", "</script>");
    EXPECT_EQ(data.find('<'), std::string::npos) << name;
    EXPECT_TRUE(data.empty() || data.back() == '}') << name;
  }
}

TEST(pages_test, a_page_has_one_first_heading_a_language_and_landmarks) {
  for (const auto& [name, html] : samples::all_pages(false)) {
    EXPECT_EQ(markup::count(html, "<h1"), 1) << name;
    EXPECT_EQ(markup::count(html, "<main "), 1) << name;
    EXPECT_THAT(html, HasSubstr("<html lang=\"en\" dir=\"ltr\">")) << name;
    EXPECT_THAT(html, HasSubstr("<a class=\"skip\" href=\"#pageText\"")) << name;
    EXPECT_THAT(html, HasSubstr("<title>")) << name;
  }
}

// Addresses that are served, and those of the samples; none of search, tags, prices.
bool is_served(std::string to) {
  if (to.starts_with("https://school.example"))
    to.erase(0, std::string{"https://school.example"}.size());
  to.erase(std::min(to.find('?'), to.size()));
  std::vector<std::string> parts;
  std::istringstream in{to};
  for (std::string part; std::getline(in, part, '/');)
    if (!part.empty())
      parts.push_back(part);
  static const std::set<std::string> languages{"de", "ar", "zh-hans"};
  if (!parts.empty() && languages.contains(parts.front()))
    parts.erase(parts.begin());
  if (parts.empty())
    return true;
  static const std::map<std::string, std::size_t> deepest{
      {"courses", 3},  {"articles", 2}, {"media", 3},       {"assets", 2},   {"ops", 2},
      {"dev", 4},      {"account", 4},  {"sign-in", 3},     {"sign-out", 1}, {"about", 1},
      {"feed.xml", 1}, {"atom.xml", 1}, {"one-process", 1}, {"a", 1}};
  const auto known = deepest.find(parts.front());
  return known != deepest.end() && parts.size() <= known->second;
}

TEST(pages_test, no_page_leads_to_what_does_not_exist) {
  for (const char* language : {"en", "de"})
    for (const auto& [name, html] : samples::all_pages(false, language))
      for (const auto& to : markup::links_of(html))
        EXPECT_TRUE(to.starts_with("#") || is_served(to)) << name << ": " << to;
}

TEST(pages_test, a_public_lesson_is_whole_and_has_no_card) {
  EXPECT_THAT(open_lesson(samples::full_lesson()), AllOf(HasSubstr("tables are memory that survives"),
                                                         HasSubstr("<video"), Not(HasSubstr("class=\"locked\""))));
}

TEST(pages_test, a_members_lesson_gives_its_free_part_and_says_for_whom_the_rest_is) {
  const std::string html = open_lesson(locked_lesson());
  EXPECT_THAT(html, HasSubstr("Every part answers two questions"));
  EXPECT_THAT(html, HasSubstr("The rest is for members"));
  EXPECT_THAT(html, HasSubstr("<li>Try it</li>")) << "the card says what the rest covers";
  EXPECT_THAT(html, HasSubstr("a video of 2:30"));
  EXPECT_THAT(html, HasSubstr("Next free lesson:"));
}

TEST(pages_test, nothing_of_a_locked_part_is_on_the_page) {
  for (const auto kind : {access::kind::members, access::kind::paid, access::kind::plan}) {
    const std::string html = open_lesson(locked_lesson({kind, kind == access::kind::plan ? "pro" : ""}));
    EXPECT_THAT(html, Not(HasSubstr("tables are memory that survives")));
    EXPECT_THAT(html, Not(HasSubstr("<video")));
    EXPECT_THAT(html, Not(HasSubstr("/media/"))) << "a locked film's address is not told";
    EXPECT_THAT(html, HasSubstr("\"isAccessibleForFree\":false"));
  }
}

TEST(pages_test, a_locked_text_without_a_free_part_gives_its_summary) {
  auto text = samples::full_text();
  text.has_more = false;
  text.free_html.clear();
  const std::string html = lesson_page(samples::site(), locked_lesson(), text, {});
  EXPECT_THAT(html, HasSubstr("<p class=\"lead\">A tree of parts that watch each other.</p>"));
  EXPECT_THAT(html, HasSubstr("This text is for members"));
  EXPECT_THAT(html, Not(HasSubstr("nobody uses yet")));
}

TEST(pages_test, a_standing_page_is_locked_as_a_lesson_is) {
  auto a = samples::full_article();
  a.who = {access::kind::members, ""};
  const auto shown_to = [&](const viewer& who) { return standing_page(samples::site(), a, samples::full_text(), who); };
  EXPECT_THAT(shown_to({}), AllOf(HasSubstr("Every part answers two questions"), HasSubstr("The rest is for members"),
                                  Not(HasSubstr("tables are memory that survives"))));
  EXPECT_THAT(shown_to({access::kind::members, {}}),
              AllOf(HasSubstr("tables are memory that survives"), Not(HasSubstr("class=\"locked\""))));
}

TEST(pages_test, an_introduction_is_locked_with_its_course_and_the_path_is_not) {
  auto c = samples::full_course();
  c.who = {access::kind::members, ""};
  const auto shown_to = [&](const viewer& who) { return course_page(samples::site(), c, samples::full_text(), who); };
  EXPECT_THAT(shown_to({}), AllOf(HasSubstr("Every part answers two questions"), HasSubstr("The rest is for members"),
                                  HasSubstr("<ol class=\"path\">"), Not(HasSubstr("tables are memory that survives"))));
  EXPECT_THAT(shown_to({access::kind::members, {}}),
              AllOf(HasSubstr("tables are memory that survives"), Not(HasSubstr("class=\"locked\""))));
  EXPECT_THAT(course_page(samples::site(), c, {}, {}), Not(HasSubstr("class=\"locked\"")))
      << "where there is no introduction, none is locked";
}

TEST(pages_test, a_member_reads_a_members_lesson_whole) {
  EXPECT_THAT(open_lesson(locked_lesson(), "en", {access::kind::members, {}}),
              AllOf(HasSubstr("tables are memory that survives"), Not(HasSubstr("class=\"locked\""))));
}

TEST(pages_test, a_lesson_says_where_it_stands_and_leads_on) {
  const std::string html = open_lesson(samples::full_lesson());
  EXPECT_THAT(html, HasSubstr("Lesson 2 of 4"));
  EXPECT_THAT(html, HasSubstr("href=\"/courses/let-it-crash/the-budget\" rel=\"next\""));
  EXPECT_THAT(html, HasSubstr("href=\"/courses/let-it-crash/break-something\" rel=\"prev\""));
  auto last = samples::full_lesson();
  last.slug = "the-heart";
  EXPECT_THAT(open_lesson(last), AllOf(Not(HasSubstr("rel=\"next\"")), HasSubstr("You have reached the end of")));
}

TEST(pages_test, a_film_keeps_its_place_and_names_its_captions) {
  const std::string html = open_lesson(samples::full_lesson());
  EXPECT_THAT(html, HasSubstr("width=\"1280\" height=\"720\" poster=\"/media/1123456789abcdef/tree.jpg\""));
  EXPECT_THAT(
      html,
      HasSubstr("kind=\"captions\" src=\"/media/3123456789abcdef/tree.de.vtt\" srclang=\"de\" label=\"Deutsch\""));
}

TEST(pages_test, a_translation_has_its_direction_and_every_language_by_its_own_name) {
  const std::string html = open_lesson(samples::full_lesson(false, "ar"), "ar");
  EXPECT_THAT(html, HasSubstr("<html lang=\"ar\" dir=\"rtl\">"));
  EXPECT_THAT(html, HasSubstr("<a href=\"/zh-hans/courses/let-it-crash/who-restarts-whom\" hreflang=\"zh-Hans\" "
                              "lang=\"zh-Hans\" dir=\"ltr\">简体中文</a>"));
  EXPECT_THAT(html, HasSubstr("<link rel=\"alternate\" hreflang=\"x-default\" "
                              "href=\"https://school.example/courses/let-it-crash/who-restarts-whom\">"));
  EXPECT_THAT(html, HasSubstr("<header class=\"top\" lang=\"en\">")) << "English words on an Arabic page say so";
}

TEST(pages_test, the_interface_speaks_german_on_a_german_page) {
  const std::string html = open_lesson(samples::full_lesson(false, "de"), "de");
  EXPECT_THAT(html,
              AllOf(HasSubstr("Lektion 2 von 4"), HasSubstr("23. November 2026"), HasSubstr("<header class=\"top\">")));
}

TEST(pages_test, navigation_of_site_toml_follows_the_language) {
  const std::string html = courses_page(samples::site("de"), {});
  EXPECT_THAT(html, HasSubstr("<a href=\"/de/courses\" lang=\"en\" aria-current=\"page\">Courses</a>"));
}

TEST(pages_test, a_navigation_link_that_would_run_a_script_leads_nowhere) {
  auto view = samples::site();
  view.site.navigation = {{"Bad", "java\nscript:alert(1)"}};
  EXPECT_THAT(courses_page(view, {}), AllOf(HasSubstr("<a href=\"#\">Bad</a>"), Not(HasSubstr("alert"))));
}

TEST(pages_test, addresses_are_absolute_only_where_the_base_url_is_known) {
  EXPECT_THAT(courses_page(samples::site(), {}),
              HasSubstr("rel=\"canonical\" href=\"https://school.example/courses\""));
  const std::string bare = courses_page(samples::site("en", ""), {});
  EXPECT_THAT(bare, AllOf(HasSubstr("rel=\"canonical\" href=\"/courses\""), Not(HasSubstr("og:url"))));
}

TEST(pages_test, a_course_is_a_numbered_path_that_names_what_is_not_free) {
  const std::string html = course_page(samples::site(), samples::full_course(), {}, {});
  EXPECT_THAT(html, AllOf(HasSubstr("<ol class=\"path\">"), HasSubstr("<span class=\"label\">Members</span>"),
                          HasSubstr("<span class=\"label label-free\">Free</span>"), HasSubstr("Video 2:30")));
  auto all_free = samples::full_course();
  for (auto& l : all_free.lessons)
    l.who = {};
  EXPECT_THAT(course_page(samples::site(), all_free, {}, {}), Not(HasSubstr("label-free"))) << "free is then no news";
}

TEST(pages_test, an_error_says_what_happened_what_works_and_what_to_do) {
  const std::string html = error_page(samples::site(), 503, "7f3a");
  EXPECT_THAT(html, AllOf(HasSubstr("cannot be made just now"), HasSubstr("from a kept copy"),
                          HasSubstr("heals by itself"), HasSubstr("<code>7f3a</code>")));
  EXPECT_THAT(error_page(samples::site(), 418, ""), HasSubstr("This request cannot be answered"));
}

TEST(pages_test, the_links_of_a_mail_are_found_whole_and_once) {
  EXPECT_EQ(
      views::links_of("See https://a.example/x?y=1, or <http://b.example>. https://a.example/x?y=1!\nhttp https:// "
                      "(http://c.example/)"),
      (std::vector<std::string>{"https://a.example/x?y=1", "http://b.example", "http://c.example/"}));
  EXPECT_TRUE(views::links_of("javascript:alert(1) ftp://a.example mailto:ann@example.com").empty());
  std::string many;
  for (int i = 0; i < 30; ++i)
    many += "http://a.example/" + std::to_string(i) + "\n";
  EXPECT_EQ(views::links_of(many).size(), 20u);
}

TEST(pages_test, an_error_has_no_address_of_its_own) {
  EXPECT_THAT(error_page(samples::site(), 404, "x"), AllOf(Not(HasSubstr("canonical")), Not(HasSubstr("ld+json"))));
}

TEST(pages_test, many_threads_may_render_with_one_theme) {
  const std::string wanted = open_lesson(samples::full_lesson());
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int n = 0; n < 50; ++n)
        if (open_lesson(samples::full_lesson()) != wanted)
          ++wrong;
    });
  for (auto& t : threads)
    t.join();
  EXPECT_EQ(wrong, 0);
}

TEST(feeds_test, the_feed_is_xml_with_its_own_address_and_dates_of_rfc_822) {
  for (const bool nasty : {false, true}) {
    const std::string xml = rss_feed(samples::site(), {samples::full_article(nasty), samples::empty_article()});
    EXPECT_EQ(markup::fault_of(xml), "");
    EXPECT_THAT(
        xml,
        AllOf(HasSubstr(
                  "<atom:link rel=\"self\" type=\"application/rss+xml\" href=\"https://school.example/feed.xml\"/>"),
              HasSubstr("<pubDate>Mon, 23 Nov 2026 09:30:00 +0000</pubDate>"),
              HasSubstr("<guid isPermaLink=\"false\">lyceum:article:4711</guid>")));
  }
}

TEST(feeds_test, every_language_has_a_feed_of_its_own_that_its_pages_lead_to) {
  EXPECT_THAT(rss_feed(samples::site("de"), {}), HasSubstr("href=\"https://school.example/de/feed.xml\"/>"));
  EXPECT_THAT(courses_page(samples::site("de"), {}),
              AllOf(HasSubstr("title=\"A School That Heals\" href=\"/de/feed.xml\">"),
                    HasSubstr("<a href=\"/de/feed.xml\">"), Not(HasSubstr("\"/feed.xml\""))));
}

TEST(feeds_test, the_atom_feed_has_what_rfc_4287_requires) {
  for (const bool nasty : {false, true}) {
    const std::string xml = atom_feed(samples::site("de"), {samples::full_article(nasty), samples::empty_article()});
    EXPECT_EQ(markup::fault_of(xml), "");
    EXPECT_THAT(xml, AllOf(HasSubstr("<link rel=\"self\" type=\"application/atom+xml\" "
                                     "href=\"https://school.example/de/atom.xml\"/>"),
                           HasSubstr("<id>https://school.example/de</id>"), HasSubstr("<id>lyceum:article:4711</id>"),
                           HasSubstr("<published>2026-11-23T09:30:00Z</published>")));
    EXPECT_EQ(markup::count(xml, "<updated>"), 3) << "the feed and each entry";
    EXPECT_GE(markup::count(xml, "<author>"), 1);
  }
  EXPECT_THAT(atom_feed(samples::site(), {}), HasSubstr("<updated>2026-11-23T09:30:00Z</updated>"));
  EXPECT_NO_THROW(atom_feed(samples::site("en", ""), {}));
}

TEST(feeds_test, security_txt_has_a_contact_and_an_end_within_the_year) {
  EXPECT_EQ(security_txt(samples::site(), "mailto:security@school.example"),
            "Contact: mailto:security@school.example\nExpires: 2027-05-22T00:00:00Z\n"
            "Canonical: https://school.example/.well-known/security.txt\n");
  EXPECT_THAT(security_txt(samples::site("en", "http://127.0.0.1:8080"), "tel:+1"), Not(HasSubstr("Canonical")));
}

TEST(feeds_test, a_control_character_does_not_break_the_feed) {
  auto a = samples::full_article();
  a.title = "bell\x07 and page\x0c";
  EXPECT_THAT(rss_feed(samples::site(), {a}), HasSubstr("<title>bell and page</title>"));
}

TEST(feeds_test, the_sitemap_names_translations_and_stays_xml) {
  const std::vector<sitemap_entry> entries{{"/courses/a&b",
                                            from_micros(1'795'426'200'000'000),
                                            {{"en", "/courses/a&b"}, {"zh-hans", "/zh-hans/courses/a&b"}}},
                                           {"/about", {}, {}}};
  const std::string xml = sitemap(samples::site(), entries);
  EXPECT_EQ(markup::fault_of(xml), "");
  EXPECT_THAT(
      xml, AllOf(HasSubstr("<loc>https://school.example/courses/a&amp;b</loc><lastmod>2026-11-23T09:30:00Z</lastmod>"),
                 HasSubstr("hreflang=\"zh-Hans\" href=\"https://school.example/zh-hans/courses/a&amp;b\"/>"),
                 HasSubstr("<loc>https://school.example/about</loc></url>")));
}

TEST(feeds_test, the_sitemap_holds_no_more_than_the_protocol_allows) {
  const std::vector<sitemap_entry> many(50'001, sitemap_entry{"/x", {}, {}});
  EXPECT_EQ(markup::count(sitemap(samples::site(), many), "<loc>"), 50'000);
}

TEST(feeds_test, robots_are_told_of_the_sitemap_where_its_address_is_known) {
  EXPECT_THAT(robots_txt(samples::site()), HasSubstr("Sitemap: https://school.example/sitemap.xml"));
  EXPECT_THAT(robots_txt(samples::site("en", "")), Not(HasSubstr("Sitemap")));
}

} // namespace
} // namespace lyceum::views
