// SPDX-License-Identifier: Apache-2.0
// What content files say, without a database.
#include "storage/content_folder.hpp"
#include "storage/front_matter.hpp"
#include "storage/image_size.hpp"
#include "storage/model/id.hpp"
#include "storage/model/more.hpp"
#include "storage/moments.hpp"
#include "storage/site_file.hpp"
#include "storage/words.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <filesystem>
#include <fstream>
#include <unistd.h>

namespace lyceum::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string faults_of(std::string_view text) {
  std::string all;
  for (const auto& f : parse_text(text).faults)
    all += to_string(f) + "\n";
  return all;
}

image_size size_of(std::string_view bytes, const std::string& name = "a.png") {
  const auto file = std::filesystem::path(::testing::TempDir()) / ("image_size_" + std::to_string(::getpid()) + name);
  std::ofstream(file, std::ios::binary) << bytes;
  const auto found = image_size_of(file);
  std::filesystem::remove(file);
  return found;
}

TEST(image_size_test, is_read_from_the_head_of_each_kind) {
  using namespace std::string_view_literals;
  EXPECT_EQ(size_of("\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR\0\0\x02\x80\0\0\x01\xE0"sv), (image_size{640, 480}));
  EXPECT_EQ(size_of("GIF89a\x80\x02\xE0\x01"sv), (image_size{640, 480}));
  EXPECT_EQ(size_of("\xFF\xD8\xFF\xE1\0\x04"
                    "ab"
                    "\xFF\xC4\0\x02\xFF\xC0\0\x11\x08\x01\xE0\x02\x80\x03"sv),
            (image_size{640, 480}));
  EXPECT_EQ(size_of("RIFF0000WEBPVP8X\x0A\0\0\0\0\0\0\0\x7F\x02\0\xDF\x01\0"sv), (image_size{640, 480}));
  EXPECT_EQ(size_of("RIFF0000WEBPVP8L\0\0\0\0\x2F\x7F\xC2\x77\0"sv), (image_size{640, 480}));
  EXPECT_EQ(size_of("RIFF0000WEBPVP8 \0\0\0\0\0\0\0\x9D\x01\x2A\x80\x02\xE0\x01"sv), (image_size{640, 480}));
  EXPECT_EQ(size_of("\0\0\0\x1C"
                    "ftypavif0000ispe\0\0\0\0\0\0\x02\x80\0\0\x01\xE0"sv),
            (image_size{640, 480}));
  EXPECT_EQ(
      size_of("<?xml version=\"1.0\"?><svg data-width='1' width=\"640\" height='480px' viewBox=\"0 0 1 1\">", "a.svg"),
      (image_size{640, 480}));
  EXPECT_EQ(size_of("<svg width=\"100%\" viewBox=\"-10,-10 640 480\">", "a.svg"), (image_size{640, 480}));
}

TEST(image_size_test, is_unknown_where_the_head_does_not_say_it) {
  using namespace std::string_view_literals;
  for (const auto bytes :
       {""sv, "\x89PNG\r\n\x1A\n\0\0"sv, "GIF89a\0\0\0\0"sv, "\xFF\xD8\xFF\xE1\0\0"sv, "\xFF\xD8\xFF"sv,
        "RIFF0000WEBP"sv, "RIFF0000WEBPVP8L"sv,
        "\0\0\0\x1C"
        "ftypavif0000ispe"sv,
        "<svg width=\"640\" height=\"480\">"sv, "\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR\x7F\0\x02\x80\0\0\x01\xE0"sv})
    EXPECT_EQ(size_of(bytes), image_size{}) << bytes.substr(0, 16);
  for (const auto bytes :
       {"<svg"sv, "<svg width=\"1e999\" height=\"2\">"sv, "<svg viewBox=\"0 0 640\">"sv, "<svg width=>"sv})
    EXPECT_EQ(size_of(bytes, "a.svg"), image_size{}) << bytes;
  EXPECT_EQ(image_size_of("/nonexistent.png"), image_size{});
}

TEST(front_matter_test, yaml_values_are_texts) {
  const auto t =
      parse_text("---\ntitle: no\nsummary: 007\naccess: plan:gold\ndraft: yes\ntags: [a, \"b c\"]\nduration: 1:02:03\n"
                 "revision: 1.50\npublished: 2024-05-01\nredirect_from: old\n---\n\nBody\n");
  ASSERT_TRUE(t.ok());
  EXPECT_EQ(t.head.title, "no");
  EXPECT_EQ(t.head.summary, "007");
  EXPECT_EQ(t.head.revision, "1.50");
  EXPECT_EQ(t.head.who, (access{access::kind::plan, "gold"}));
  EXPECT_TRUE(t.head.draft);
  EXPECT_THAT(t.head.tags, ElementsAre("a", "b c"));
  EXPECT_EQ(t.head.duration, std::chrono::seconds(3723));
  EXPECT_THAT(t.head.redirect_from, ElementsAre("old"));
  EXPECT_EQ(t.body, "\nBody\n");
  EXPECT_EQ(t.body_line, 12);
}

TEST(front_matter_test, an_elixir_map_says_the_same) {
  const auto t =
      parse_text("%{\n  version: \"1.0.1\",\n  title: \"A \\\"B\\\"\",\n  excerpt: \"\"\"\n  Two\n  lines\n  \"\"\",\n"
                 "  author: \"X\", author_link: \"https://x\",\n  tags: [\"a\", \"b\"], # why not\n"
                 "  date: ~D[2019-02-12]\n}\n---\n\nBody");
  ASSERT_TRUE(t.ok()) << faults_of("");
  EXPECT_EQ(t.head.title, "A \"B\"");
  EXPECT_EQ(t.head.summary, "Two\nlines");
  EXPECT_EQ(t.head.published, "2019-02-12");
  EXPECT_EQ(t.head.revision, "1.0.1");
  EXPECT_THAT(t.head.tags, ElementsAre("a", "b"));
  EXPECT_EQ(t.body, "\nBody");
  EXPECT_TRUE(t.faults.empty());
}

TEST(front_matter_test, without_front_matter_the_first_heading_is_the_title) {
  EXPECT_EQ(parse_text("# A `title` #\n\nText").head.title, "A title");
  EXPECT_EQ(parse_text("# A title\n\nText").body, "\nText"); // it is not shown twice
  EXPECT_EQ(parse_text("Text\n\n```\n# no\n```\n\n## Yes\n").head.title, "Yes");
  EXPECT_EQ(parse_text("Under\n=====\n").head.title, "Under");
  EXPECT_THAT(faults_of("only text\n"), HasSubstr("title is missing"));
}

TEST(front_matter_test, a_fault_says_its_line) {
  EXPECT_THAT(faults_of("---\ntitle: a\nsumary: b\n---\n"),
              HasSubstr(":3: warning: unknown key \"sumary\"; did you mean \"summary\"?"));
  EXPECT_THAT(faults_of("---\ntitle: a\n\ntitle: b\n---\n"),
              HasSubstr(":4: error: \"title\" stands twice, first in line 2"));
  EXPECT_THAT(faults_of("---\ntitle: [a]\n---\n"), HasSubstr(":2: error: \"title\" is a text"));
  EXPECT_THAT(faults_of("---\ntitle: a\ntags: {a: b}\n---\n"), HasSubstr(":3: error: \"tags\" is a list"));
  EXPECT_THAT(faults_of("---\ntitle: a\naccess: everyone\n---\n"), HasSubstr(":3: error: access is \"everyone\""));
  EXPECT_THAT(faults_of("---\nsummary: a\n---\n"), HasSubstr("title is missing"));
  EXPECT_THAT(faults_of("---\ntitle: \"a\n---\n"), HasSubstr("error: front matter is not YAML"));
  EXPECT_THAT(faults_of("---\ntitle: a\n"), HasSubstr(":1: error: front matter opens here"));
  EXPECT_THAT(faults_of("%{\n title: \"a\n}\n---\n"), HasSubstr(":2: error: the text is not closed"));
  EXPECT_THAT(faults_of("%{ title: \"#{danger}\" }\n---\n"), HasSubstr("run code"));
}

TEST(front_matter_test, what_passes_its_bounds_is_refused) {
  EXPECT_FALSE(parse_text("---\ntitle: " + std::string(5000, 'x') + "\n---\n").ok());
  EXPECT_FALSE(parse_text("---\n" + std::string(20000, '#') + "\ntitle: x\n---\n").ok());
  EXPECT_FALSE(parse_text("---\n" + std::string(9000, '[') + "\n---\n").ok());
  std::string many = "---\ntitle: x\ntags: [";
  for (int i = 0; i < 100; ++i)
    many += "t" + std::to_string(i) + ",";
  EXPECT_THAT(faults_of(many + "]\n---\n"), HasSubstr("more than 64 items"));
}

RC_GTEST_PROP(front_matter_test, any_bytes_are_survived, (const std::string& bytes)) {
  for (const auto* before : {"", "---\n", "%{", "---\ntitle: "}) {
    const std::string text = before + bytes + "\n---\nbody";
    const auto out = parse_text(text);
    RC_ASSERT(!out.ok() || !out.head.title.empty());
  }
}

std::optional<std::int64_t> seconds(std::string_view text, std::string_view zone = "UTC") {
  const auto t = parse_moment(text, zone);
  return t ? std::optional(micros(*t) / 1000000) : std::nullopt;
}

TEST(moments_test, dates_and_times_are_understood) {
  EXPECT_EQ(seconds("2024-05-01"), 1714521600);
  EXPECT_EQ(seconds("2024-05-01 09:30"), 1714521600 + 34200);
  EXPECT_EQ(seconds("2024-05-01T09:30:05.5Z"), 1714521600 + 34205);
  EXPECT_EQ(seconds("2024-05-01 09:30 +02:00"), 1714521600 + 27000);
  EXPECT_EQ(seconds("2024-05-01", "Europe/Paris"), 1714521600 - 7200);
  EXPECT_EQ(seconds("2024-03-31 02:30", "Europe/Paris"),
            1711846800); // left out by the clocks: the moment of the change
}

TEST(moments_test, what_is_no_moment_is_refused) {
  for (const auto* text : {"", "2024-13-01", "2024-02-30", "2024-5-1", "tomorrow", "1969-12-31", "2024-05-01 25:00",
                           "2024-05-01T09:30:00 Mars", "2024-05-01x", "20240501"})
    EXPECT_EQ(seconds(text), std::nullopt) << text;
  EXPECT_FALSE(is_timezone("Mars/Olympus"));
  EXPECT_FALSE(is_timezone("../../etc/passwd"));
}

TEST(moments_test, a_place_has_its_own_date_and_time_of_day) {
  const auto at = *parse_moment("2026-11-26T23:30:59Z", "UTC");
  EXPECT_EQ(day_text(local_moment_of(at, "UTC").day), "2026-11-26");
  EXPECT_EQ(local_moment_of(at, "UTC").of_day, std::chrono::minutes(23 * 60 + 30));
  EXPECT_EQ(day_text(local_moment_of(at, "Asia/Tokyo").day), "2026-11-27");
  EXPECT_EQ(local_moment_of(at, "Asia/Tokyo").of_day, std::chrono::minutes(8 * 60 + 30));
  EXPECT_EQ(local_moment_of(at, "America/New_York").of_day, std::chrono::minutes(18 * 60 + 30));
  EXPECT_EQ(local_moment_of(at, "Mars/Olympus"), local_moment_of(at, "")) << "UTC, where a zone is not known";
  const auto summer = *parse_moment("2026-07-01T05:00:00Z", "UTC");
  EXPECT_EQ(local_moment_of(summer, "Europe/Berlin").of_day, std::chrono::hours(7));
}

RC_GTEST_PROP(moments_test, a_day_of_a_zone_is_the_day_that_is_read_back, ()) {
  const auto at =
      from_micros(*rc::gen::inRange<std::int64_t>(86'400, 4'000'000'000) * 1'000'000); // 1969 is no year of ours
  const std::string zone = *rc::gen::element<std::string>("UTC", "Europe/Berlin", "Asia/Tokyo", "America/New_York");
  const auto local = local_moment_of(at, zone);
  RC_ASSERT(local.of_day < std::chrono::hours(24));
  const auto midnight = parse_moment(day_text(local.day), zone);
  RC_ASSERT(midnight.has_value());
  RC_ASSERT(*midnight <= at);
  RC_ASSERT(at - *midnight < std::chrono::hours(26)); // where clocks are set back a day has 25
}

TEST(words_test, languages_are_told_from_words) {
  for (const auto* yes : {"fr", "zh-hans", "pt-br", "es-419", "haw"})
    EXPECT_TRUE(is_language(yes)) << yes;
  for (const auto* no : {"", "f", "FR", "fr-", "-fr", "french", "fr_ca", "fr-x"})
    EXPECT_FALSE(is_language(no)) << no;
}

TEST(words_test, reserved_pages_are_routes_and_languages) {
  const std::vector<std::string> spoken = {"zh-hans", "haw"};
  for (const auto* yes : {"courses", "Media", "fr", "haw", "zh-hans", "livez", "me"})
    EXPECT_TRUE(is_reserved_page(yes, spoken)) << yes;
  for (const auto* no : {"about", "faq", "my-page"})
    EXPECT_FALSE(is_reserved_page(no, spoken)) << no;
}

TEST(words_test, bad_utf8_is_found_where_it_is) {
  EXPECT_EQ(first_bad_utf8("naïve 数 😀"), std::nullopt);
  EXPECT_EQ(first_bad_utf8("ab\xff"), 2u);
  EXPECT_EQ(first_bad_utf8("a\xc0\x80"), 1u);        // overlong
  EXPECT_EQ(first_bad_utf8("a\xed\xa0\x80"), 1u);    // a surrogate
  EXPECT_EQ(first_bad_utf8("a\xe2\x82"), 1u);        // cut off
  EXPECT_EQ(first_bad_utf8("\xf4\x90\x80\x80"), 0u); // beyond Unicode
}

TEST(words_test, reading_takes_a_minute_for_200_words_or_500_ideographs) {
  std::string words, ideographs;
  for (int i = 0; i < 400; ++i)
    words += "word's ";
  for (int i = 0; i < 1500; ++i)
    ideographs += "数";
  EXPECT_EQ(reading_minutes(""), 1);
  EXPECT_EQ(reading_minutes(words), 2);
  EXPECT_EQ(reading_minutes(ideographs), 3);
}

std::string site_faults(std::string_view toml) {
  std::string all;
  for (const auto& f : parse_site(toml).faults)
    all += to_string(f) + "\n";
  return all;
}

TEST(site_file_test, every_key_is_read) {
  const auto s = parse_site(
      "title = \"T\"\ndescription = \"D\"\nlanguage = \"zh-Hans\"\ntimezone = \"Europe/Paris\"\nauthor = \"A\"\n"
      "accent = \"#2a6f97\"\ntrusted_html = true\nnavigation = [{title=\"X\", url=\"/x\"}]\n");
  ASSERT_TRUE(s.ok());
  EXPECT_EQ(s.site.title, "T");
  EXPECT_EQ(s.site.language, "zh-hans");
  EXPECT_EQ(s.site.timezone, "Europe/Paris");
  EXPECT_TRUE(s.site.trusted_html);
  ASSERT_EQ(s.site.navigation.size(), 1u);
  EXPECT_EQ(s.site.navigation[0].url, "/x");
}

TEST(site_file_test, faults_say_their_line) {
  EXPECT_THAT(site_faults("titel = \"T\"\n"),
              HasSubstr("site.toml:1: warning: unknown key \"titel\"; did you mean \"title\"?"));
  EXPECT_THAT(site_faults("titel = \"T\"\n"), HasSubstr("title is missing"));
  EXPECT_THAT(site_faults("title = \"T\"\nlanguage = \"french\"\n"), HasSubstr("site.toml:2: error: language"));
  EXPECT_THAT(site_faults("title = \"T\"\ntimezone = \"Mars\"\n"), HasSubstr("timezone is \"Mars\""));
  EXPECT_THAT(site_faults("title = \"T\"\naccent = \"red;}\"\n"), HasSubstr("accent"));
  EXPECT_THAT(site_faults("title = \"T\"\naccent = \"tael\"\n"),
              HasSubstr("site.toml:2: error: accent is \"tael\"; it must be a colour of CSS"));
  EXPECT_THAT(site_faults("title = \"T\"\naccent = \"tael\"\n"), HasSubstr("did you mean \"teal\"?"));
  EXPECT_EQ(site_faults("title = \"T\"\naccent = \"oklch(0.5 0.1 230)\"\n"), "")
      << "what the page takes, the file may say";
  EXPECT_THAT(site_faults("title = \"T\"\nnavigation = [{title=\"X\", url=\"javascript:x\"}]\n"),
              HasSubstr("must start with"));
  EXPECT_THAT(site_faults("title = \"T\n"), HasSubstr("site.toml:1: error: not TOML"));
}

TEST(scope_test, every_content_file_belongs_to_one) {
  EXPECT_EQ(scope_of("site.toml"), "site");
  EXPECT_EQ(scope_of("courses/a/01-b.md"), "courses/a");
  EXPECT_EQ(scope_of("courses/a/img/x.png"), "courses/a");
  EXPECT_EQ(scope_of("articles/x.md"), "texts");
  EXPECT_EQ(scope_of("pages/x.md"), "texts");
  EXPECT_EQ(scope_of("media/x.png"), "media");
  EXPECT_EQ(scope_of("README.md"), "");
  EXPECT_EQ(scope_of("courses/x.md"), "");
}

TEST(id_test, ids_never_repeat_and_never_go_back) {
  id last = make_id();
  for (int i = 0; i < 20000; ++i) { // more than the 4,096 of a millisecond
    const id next = make_id();
    ASSERT_GT(next, last);
    last = next;
  }
}

TEST(id_test, ids_of_a_node_by_chance_rise_as_well_and_are_not_those_of_node_0) {
  choose_node();
  id last = make_id();
  EXPECT_NE(last >> 12 & 1023, 0);
  for (int i = 0; i < 20000; ++i) {
    const id next = make_id();
    ASSERT_GT(next, last);
    last = next;
  }
  set_node(0);
}

TEST(more_test, the_mark_counts_alone_on_its_line_outside_of_code_and_html) {
  const auto line = [](std::string_view text) {
    const auto found = find_more(text);
    return found ? found->line : 0;
  };
  EXPECT_EQ(line("a\n\n<!-- more -->\nb"), 3);
  EXPECT_EQ(find_more("a\n\n<!--more-->  \r\nb")->offset, 3u);
  EXPECT_EQ(line("a\r\rb\r\n<!-- more -->"), 4) << "every kind of line end";
  EXPECT_EQ(line("a\n<!-- more -->"), 2) << "it ends a paragraph";
  EXPECT_EQ(line("```\n<!-- more -->\n```\n<!-- more -->"), 4);
  EXPECT_EQ(line("~~~~ elixir\n```\n<!-- more -->\n~~~\n~~~~~\n<!-- more -->"), 6);
  EXPECT_EQ(line("<div>\n<!-- more -->\n\n<!-- more -->"), 4);
  EXPECT_EQ(line("<pre>\n\n<!-- more -->\n</pre>\n<!-- more -->"), 5);
  EXPECT_EQ(line("<!-- a\n\n<!-- more -->\n\n<!-- more -->"), 5) << "the first one ends the comment around it";
  for (const auto* none :
       {"", "a <!-- more -->", " <!-- more -->", "> <!-- more -->", "<!-- more or less -->", "<!---->"})
    EXPECT_EQ(line(none), 0) << none;
}

} // namespace
} // namespace lyceum::storage
