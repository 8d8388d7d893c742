// SPDX-License-Identifier: Apache-2.0
// Addresses, languages and the interface's own words.
#include "views/languages.hpp"
#include "views/texts.hpp"
#include "views/url.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <set>

namespace lyceum::views {
namespace {

using namespace std::chrono_literals;

TEST(url_test, the_default_language_has_no_part_of_its_own) {
  EXPECT_EQ(url::home("en", "en"), "/");
  EXPECT_EQ(url::home("fr", "en"), "/fr");
  EXPECT_EQ(url::courses("en", "en"), "/courses");
  EXPECT_EQ(url::lesson("basics", "enum", "zh-hans", "en"), "/zh-hans/courses/basics/enum");
  EXPECT_EQ(url::article("x", "en", "fr"), "/en/articles/x");
  EXPECT_EQ(url::standing("about", "en", "en"), "/about");
  EXPECT_EQ(url::standing("about", "de", "en"), "/de/about");
}

TEST(url_test, a_segment_holds_no_character_that_could_end_it) {
  EXPECT_EQ(url::segment("a/b?c#d e%\"<>"), "a%2Fb%3Fc%23d%20e%25%22%3C%3E");
  EXPECT_EQ(url::segment("größe"), "gr%C3%B6%C3%9Fe");
  EXPECT_EQ(url::segment(".."), "%2E%2E");
  EXPECT_EQ(url::media("00ff", "a b.mp4"), "/media/00ff/a%20b.mp4");
}

RC_GTEST_PROP(url_property, a_segment_is_decoded_to_what_it_was, (const std::string& text)) {
  std::string back;
  const std::string coded = url::segment(text);
  for (std::size_t i = 0; i < coded.size(); ++i) {
    RC_ASSERT(coded[i] > 0x20 && coded[i] < 0x7f &&
              std::string_view{"/?#\"<>"}.find(coded[i]) == std::string_view::npos);
    if (coded[i] == '%') {
      back += static_cast<char>(std::stoi(coded.substr(i + 1, 2), nullptr, 16));
      i += 2;
    } else {
      back += coded[i];
    }
  }
  RC_ASSERT(back == text);
}

TEST(url_test, links_from_people_run_nothing) {
  for (const char* fine : {"https://a.example/x?y#z", "HTTP://a.example", "mailto:a@b.example", "/courses",
                           "other.md#part", "#part", "?q=a:b", "./a:b", ""})
    EXPECT_EQ(url::safe(fine), fine);
  for (const char* bad : {"javascript:alert(1)", "JaVaScRiPt:x", " javascript:x", "java\nscript:x", "\x01javascript:x",
                          "data:text/html,x", "vbscript:x", "file:///etc/passwd", "java\tscript:x"})
    EXPECT_EQ(url::safe(bad), "#") << bad;
  EXPECT_EQ(url::safe("  https://a.example  "), "https://a.example");
}

TEST(language_test, languages_carry_their_own_names) {
  EXPECT_EQ(native_name("de"), "Deutsch");
  EXPECT_EQ(native_name("ZH-Hans"), "简体中文");
  EXPECT_EQ(native_name("de-at"), "Deutsch (de-AT)");
  EXPECT_EQ(native_name("xx"), "xx");
}

TEST(language_test, direction_follows_language_and_script) {
  for (const char* tag : {"ar", "fa", "he", "ur", "ps", "yi", "ar-EG", "az-Arab", "uz-arab-af"})
    EXPECT_EQ(direction(tag), "rtl") << tag;
  for (const char* tag : {"en", "de", "zh-hans", "ur-Latn", "arb-x", ""})
    EXPECT_EQ(direction(tag), "ltr") << tag;
}

TEST(language_test, tags_are_written_as_the_standard_writes_them) {
  EXPECT_EQ(canonical_tag("ZH-hANS-cn"), "zh-Hans-CN");
  EXPECT_EQ(canonical_tag("pt-br"), "pt-BR");
}

TEST(texts_test, every_table_has_english_keys_only_and_the_same_names_in_each_text) {
  const auto names_in = [](std::string_view text) {
    std::multiset<std::string> out;
    for (auto at = text.find('{'); at != std::string_view::npos; at = text.find('{', at + 1))
      out.insert(std::string{text.substr(at, text.find('}', at) - at + 1)});
    return out;
  };
  const auto& english = texts_in("en");
  for (const auto language : interface_languages())
    for (const auto& [key, text] : texts_in(language)) {
      ASSERT_TRUE(english.contains(key)) << language << " " << key;
      EXPECT_EQ(names_in(text), names_in(english.at(key))) << language << " " << key;
    }
}

TEST(texts_test, a_language_without_a_table_hears_english) {
  EXPECT_EQ(interface_language("ta"), "en");
  EXPECT_EQ(interface_language("de-at"), "de");
  EXPECT_EQ(counted("en", "lessons", 1), "1 lesson");
  EXPECT_EQ(counted("de", "lessons", 3), "3 Lektionen");
}

TEST(texts_test, lengths_read_as_people_and_machines_want_them) {
  EXPECT_EQ(clock_time(150s), "2:30");
  EXPECT_EQ(clock_time(3725s), "1:02:05");
  EXPECT_EQ(iso_duration(150s), "PT2M30S");
  EXPECT_EQ(iso_duration(0s), "PT0S");
  EXPECT_EQ(iso_duration(7200s), "PT2H");
  EXPECT_EQ(minutes("en", 65), "1 h 5 min");
}

TEST(texts_test, a_day_is_the_day_on_the_schools_own_calendar) {
  const auto late = from_micros(1'795'475'400'000'000); // 2026-11-23T23:10:00Z
  EXPECT_EQ(date_text("en", late, "UTC"), "23 November 2026");
  EXPECT_EQ(date_text("en", late, "Europe/Ljubljana"), "24 November 2026");
  EXPECT_EQ(iso_date(late, "America/New_York"), "2026-11-23");
  EXPECT_EQ(iso_date(late, "No/Such_Place"), "2026-11-23");
  EXPECT_EQ(rfc822_time(late), "Mon, 23 Nov 2026 23:10:00 +0000");
  EXPECT_EQ(iso_time(late), "2026-11-23T23:10:00Z");
}

} // namespace
} // namespace lyceum::views
